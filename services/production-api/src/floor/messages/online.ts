import type { Online } from '@sgp/shared/floor-messages';
import type { Draft } from '../draft.ts';

/** `online`, retained by the broker: only a change is news; the broker repeats it at its start and to each subscriber. */
export async function takeOnline(draft: Draft, machineId: string, { online, at, reason }: Online): Promise<void> {
  const status = draft.status(machineId);
  if (status.online === online || (status.onlineSince !== null && at < status.onlineSince)) return;
  // The broker says offline of every machine that it knows: of one that was never connected this is no event.
  const event = status.online !== null || online;
  draft.patch(machineId, { online, onlineSince: at });
  if (!event) return;
  const line = {
    at,
    machineAt: null,
    mark: null,
    kind: 'signal',
    level: online ? 'info' : 'warn',
    code: online ? 'online' : 'offline',
    text: reason ?? '',
    data: {},
  } as const;
  await draft.line(machineId, line, `${at}:${line.code}`);
}
