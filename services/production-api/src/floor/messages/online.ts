import type { Online } from '@sgp/shared/floor-messages';
import type { Draft } from '../draft.ts';
import type { Listening } from '../listening.ts';
import { lastHeard } from '../signal.ts';
import type { MachineStatus } from '../status.ts';

/** `online`, retained by the broker: only a change is news; the broker repeats it at its start and to each subscriber. */
export async function takeOnline(
  draft: Draft,
  machineId: string,
  { online, at, reason }: Online,
  listening: Pick<Listening, 'until'>,
): Promise<void> {
  const status = draft.status(machineId);
  if (status.online === online || (status.onlineSince !== null && at < status.onlineSince)) return;
  // The broker says offline of every machine that it knows: of one that was never connected this is no event.
  const event = status.online !== null || online;
  const since = reason === 'broker-started' ? lastSeen(status, listening, at) : at;
  draft.patch(machineId, { online, onlineSince: since });
  if (!event) return;
  const line = {
    at,
    machineAt: null,
    mark: null,
    kind: 'signal',
    level: online ? 'info' : 'warn',
    code: online ? 'online' : 'offline',
    text: reason ?? '',
    data: since === at ? {} : { since },
  } as const;
  await draft.line(machineId, line, `${at}:${line.code}`);
}

/**
 * A broker that starts was off before, and says so only now: the machine was seen last when it last spoke, or while we
 * still listened to the broker that then held its connection.
 */
function lastSeen(status: MachineStatus, listening: Pick<Listening, 'until'>, at: number): number {
  const seen = Math.max(lastHeard(status) ?? 0, listening.until(at) ?? 0);
  return seen === 0 ? at : Math.min(seen, at);
}
