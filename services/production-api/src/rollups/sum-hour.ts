import type { Database } from '@sgp/service-kit/database';
import type { Rollup } from '@sgp/shared/sync-payloads';
import type { FloorStore } from '../floor/floor-store.ts';
import { stateSpans } from '../floor/state-spans.ts';
import { derivedId } from '../streams/say.ts';

export const hourMs = 3_600_000;
export const hourOf = (ms: number): number => Math.floor(ms / hourMs) * hourMs;

/** What a machine did in one hour, from telemetry.db; null when it said nothing. */
export async function sumHour(
  deps: { readonly telemetryDb: Database; readonly floor: Pick<FloorStore, 'signalLines'> },
  machineId: string,
  hourStart: number,
): Promise<Rollup | null> {
  const { telemetryDb: db, floor } = deps;
  const to = hourStart + hourMs;
  const [samples] = await db('samples')
    .whereIn('metric_id', db('metrics').where({ machine_id: machineId }).select('metric_id'))
    .where('at', '>=', hourStart)
    .where('at', '<', to)
    .count({ n: '*' });
  const lines = () =>
    db('machine_log').where({ machine_id: machineId }).where('at', '>=', hourStart).where('at', '<', to);
  const [logLines] = await lines().count({ n: '*' });
  const counts: readonly { good: number; scrap: number }[] = (await lines().where({ kind: 'count' }).pluck('data')).map(
    (data) => JSON.parse(data),
  );
  const spans = stateSpans(await floor.signalLines(machineId, hourStart, to), hourStart, to, null);
  const running = spans.filter(({ state }) => state === 'running');
  const rollup = {
    rollupId: derivedId(hourStart, `rollup/${machineId}/${hourStart}`),
    machineId,
    hourStart,
    samples: Number(samples?.['n'] ?? 0),
    logLines: Number(logLines?.['n'] ?? 0),
    good: counts.reduce((sum, { good }) => sum + good, 0),
    scrap: counts.reduce((sum, { scrap }) => sum + scrap, 0),
    runningMs: running.reduce((sum, { from, to: end }) => sum + end - from, 0),
  };
  return rollup.samples + rollup.logLines + rollup.runningMs === 0 ? null : rollup;
}
