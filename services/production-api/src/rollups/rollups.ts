import type { Database } from '@sgp/service-kit/database';
import type { Log } from '@sgp/service-kit/log';
import { limits } from '@sgp/shared/limits';
import type { Rollup } from '@sgp/shared/sync-payloads';
import type { FloorStore } from '../floor/floor-store.ts';
import { inTurn, type Say } from '../streams/say.ts';
import { hourMs, hourOf, sumHour } from './sum-hour.ts';

export type RollupDeps = {
  readonly db: Database;
  readonly telemetryDb: Database;
  readonly floor: Pick<FloorStore, 'signalLines'>;
  readonly machineIds: () => readonly string[];
  readonly say: Say;
};

/**
 * Sums up every hour that ended and is not summed up yet. The sums go to the outbox in the transaction that notes how far
 * they go, and each has an id that follows from machine and hour: none is made twice, whatever breaks in between.
 * @param open false ends it after the step in hand
 */
export async function rollUp(deps: RollupDeps, nowMs: number, open: () => boolean = () => true): Promise<void> {
  const end = hourOf(nowMs - limits.rollupSettleMs);
  for (const machineId of deps.machineIds()) while (open() && (await step(deps, machineId, end)));
}

/** @returns whether hours of this machine are left */
async function step(deps: RollupDeps, machineId: string, end: number): Promise<boolean> {
  const { db, telemetryDb, say } = deps;
  const mark = await db('rollup_marks').where({ machine_id: machineId }).first('next_hour');
  const from: number = mark?.next_hour ?? (await firstHour(telemetryDb, machineId)) ?? end;
  if (from >= end) return false;
  const next = Math.min(end, from + limits.rollupHoursPerStep * hourMs);
  const rollups: (Rollup | null)[] = [];
  for (let hour = from; hour < next; hour += hourMs) rollups.push(await sumHour(deps, machineId, hour));
  await inTurn(db, async (tx) => {
    for (const payload of rollups)
      if (payload !== null) await say(tx, { stream: 'rollups', entityId: payload.rollupId, version: 1, payload });
    await tx('rollup_marks').insert({ machine_id: machineId, next_hour: next }).onConflict('machine_id').merge();
  });
  return next < end;
}

async function firstHour(db: Database, machineId: string): Promise<number | null> {
  const line = await db('machine_log').where({ machine_id: machineId }).min({ at: 'at' }).first();
  const sample = await db('samples')
    .whereIn('metric_id', db('metrics').where({ machine_id: machineId }).select('metric_id'))
    .min({ at: 'at' })
    .first();
  const times = [line?.['at'], sample?.['at']].filter((at) => typeof at === 'number');
  return times.length === 0 ? null : hourOf(Math.min(...times));
}

/** Sums up now and then. Disposing waits for the step in hand. */
export function startRollups(deps: RollupDeps, log: Pick<Log, 'warn'>): AsyncDisposable {
  let open = true;
  let running: Promise<void> | null = null;
  const run = (): void => {
    running ??= rollUp(deps, Date.now(), () => open)
      .catch((err) => log.warn({ err }, 'hours of machines could not be summed up'))
      .finally(() => {
        running = null;
      });
  };
  const timer = setInterval(run, limits.rollupEveryMs);
  timer.unref();
  run();
  return {
    async [Symbol.asyncDispose]() {
      open = false;
      clearInterval(timer);
      await running;
    },
  };
}
