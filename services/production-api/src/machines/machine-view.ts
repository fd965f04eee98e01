import type { Machine } from '@sgp/shared/api/machines';
import { deviceUsername } from '@sgp/shared/topics';
import { localDay } from '../floor/clock.ts';
import type { LiveMachines } from '../floor/live.ts';
import { signalOf } from '../floor/signal.ts';
import type { RegisteredMachine } from './machine-store.ts';

/** A machine as the screens get it: what is registered, and how it stands at `now`. */
export function viewMachine(
  machine: RegisteredMachine,
  live: LiveMachines,
  context: { readonly est: string; readonly timeZone: string; readonly now: number },
): Machine {
  const { machineId, slug, name, kind, sector, credential } = machine;
  const status = live.status(machineId);
  return {
    machineId,
    slug,
    name,
    kind,
    sector,
    username: deviceUsername(context.est, slug),
    ...signalOf(status, credential.revokedAt, context.now),
    state: status.state,
    stateReason: status.stateReason,
    stateSince: status.stateSince,
    lastMessageAt: status.lastMessageAt,
    clockSkewMs: status.clockSkewMs,
    today: live.today(machineId, localDay(context.now, context.timeZone)),
    metrics: live.metrics(machineId),
    order: status.order,
    refusedCount: live.refusedCount(machineId),
    credential,
  };
}
