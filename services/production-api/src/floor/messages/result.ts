import type { ResultMessage } from '@sgp/shared/floor-messages';
import { type MessageContext, timed } from './context.ts';

/** `up/result`: the answer to a command, under the command's id. */
export async function takeResult(context: MessageContext, message: ResultMessage): Promise<boolean> {
  const { id, ok, text = '', ts } = message;
  const time = ts === undefined ? { at: context.receivedAt, machineAt: null, mark: null } : timed(context.time(ts));
  const line = {
    ...time,
    kind: 'result',
    level: ok ? 'info' : 'warn',
    code: ok ? 'done' : 'failed',
    text,
    data: { id },
  } as const;
  return (await context.draft.line(context.machineId, line, id)) !== null;
}
