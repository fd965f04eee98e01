import type { Database } from '@sgp/service-kit/database';
import type { Log } from '@sgp/service-kit/log';
import { limits } from '@sgp/shared/limits';

/** Written out, so that SQLite sees that the partial index fits. */
const isRefused = "kind = 'refused'";
const dayMs = 24 * 60 * 60 * 1000;

/**
 * Removes samples and log lines that are older than they are kept, and refused lines beyond the newest ones. Each step
 * is short, because it holds the connection that the ingest writes through.
 * @param step called between two steps; ends the work when it answers false
 */
export async function prune(db: Database, now: number, step: () => Promise<boolean>): Promise<void> {
  const metrics: { metric_id: number }[] = await db('metrics').select('metric_id');
  const samplesBefore = now - limits.telemetryRetentionDays * dayMs;
  for (const { metric_id } of metrics)
    while (await pruneSamples(db, metric_id, samplesBefore)) if (!(await step())) return;
  const linesBefore = now - limits.machineLogRetentionDays * dayMs;
  while (await pruneLines(db, db('machine_log').where('at', '<', linesBefore))) if (!(await step())) return;
  const oldest: { line_id: number } | undefined = await db('machine_log')
    .whereRaw(isRefused)
    .orderBy('line_id', 'desc')
    .offset(limits.floorRefusalsKeptMax)
    .first('line_id');
  if (!oldest) return;
  const beyond = () => db('machine_log').whereRaw(isRefused).where('line_id', '<=', oldest.line_id);
  while (await pruneLines(db, beyond())) if (!(await step())) return;
}

/** @returns whether there may be more */
async function pruneSamples(db: Database, metricId: number, before: number): Promise<boolean> {
  const old = () => db('samples').where({ metric_id: metricId }).where('at', '<', before);
  const last: { at: number } | undefined = await old().orderBy('at').offset(limits.floorPruneStepMaxRows).first('at');
  const removed = await (last ? old().where('at', '<', last.at) : old()).delete();
  return last !== undefined && removed > 0;
}

type Lines = ReturnType<Database>;

async function pruneLines(db: Database, lines: Lines): Promise<boolean> {
  const ids = lines.select('line_id').orderBy('line_id').limit(limits.floorPruneStepMaxRows);
  return (await db('machine_log').whereIn('line_id', ids).delete()) === limits.floorPruneStepMaxRows;
}

/** Prunes now and then. Disposing waits for the step in hand. */
export function startPruning(db: Database, log: Pick<Log, 'warn'>): AsyncDisposable {
  let open = true;
  let running: Promise<void> | null = null;
  const step = async (): Promise<boolean> => {
    await new Promise((resume) => setImmediate(resume));
    return open;
  };
  const timer = setInterval(() => {
    running ??= prune(db, Date.now(), step)
      .catch((err) => log.warn({ err }, 'old telemetry could not be removed'))
      .finally(() => {
        running = null;
      });
  }, limits.floorPruneIntervalMs);
  timer.unref();
  return {
    async [Symbol.asyncDispose]() {
      open = false;
      clearInterval(timer);
      await running;
    },
  };
}
