import type { LogLine } from '@sgp/shared/api/machines';
import type { LineContent } from '../log-line.ts';
import type { MessageContext } from './context.ts';

/**
 * Stores the line of a message that has an id. A repeat is left out without a word; another message under an id that was
 * used is left out too, because nobody could tell it from a repeat later, but it is refused where a person sees it: a
 * counter that begins anew at each start would lose pieces in silence.
 * @param ts the machine's own time: a repeat carries the same
 * @returns null when the message is not news
 */
export async function storeOnce(
  { draft, machineId, receivedAt }: MessageContext,
  line: LineContent,
  id: string,
  ts: number,
): Promise<LogLine | null> {
  const stored = await draft.line(machineId, line, id);
  if (stored || (await draft.lineTime(machineId, line.kind, id)) === ts) return stored;
  const code = 'FLOOR_SCHEMA_INVALID';
  const refused = await draft.line(
    machineId,
    {
      at: receivedAt,
      machineAt: null,
      kind: 'refused',
      level: 'warn',
      code,
      text: `id: '${id}' came before with another ts; each message needs an id of its own, and a repeat keeps its ts`,
      mark: code,
      data: { topic: line.kind, excerpt: JSON.stringify({ ts, ...line.data }).slice(0, 200) },
    },
    `${line.kind}:${ts}:${id}`.slice(0, 128),
  );
  if (refused) draft.refuse(machineId, code, receivedAt);
  return null;
}
