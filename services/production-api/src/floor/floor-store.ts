import { type Database, isPostgres } from '@sgp/service-kit/database';
import type { LogLine, Refusals, TelemetrySeries } from '@sgp/shared/api/machines';
import type { ErrorCode } from '@sgp/shared/errors';
import type { EventLevel } from '@sgp/shared/floor-messages';
import { eventLevels } from '@sgp/shared/floor-messages';
import { sampleValue } from './draft.ts';
import type { KnownFloor, KnownMetric } from './live.ts';
import { type LineRecord, lineColumns, toLogLine } from './log-line.ts';
import { readSeries, type SeriesQuery } from './series.ts';
import type { SignalLine } from './state-spans.ts';
import { fromStatusRow, type StatusRow } from './status.ts';

export type LogFilter = {
  /** This level and the ones above it. */
  readonly level?: EventLevel | undefined;
  readonly q?: string | undefined;
  /** Position that {@link FloorStore.log} gave. */
  readonly before?: string | undefined;
  readonly limit: number;
};

/** Reads of telemetry.db. */
export type FloorStore = {
  /** What the memory starts with. @param day local day of now */
  known(day: string): Promise<KnownFloor>;
  /** Numbers in `[from, to)` as at most `points` buckets of equal length; empty ones are left out. */
  series(machineId: string, query: SeriesQuery): Promise<TelemetrySeries>;
  /** Lines that tell state and signal in `[from, to)`, oldest first, with the last of each before it. */
  signalLines(machineId: string, from: number, to: number): Promise<readonly SignalLine[]>;
  /** Newest first. */
  log(
    machineId: string,
    filter: LogFilter,
  ): Promise<{ readonly lines: readonly LogLine[]; readonly nextBefore: string | null }>;
  refusals(machineId: string): Promise<Refusals>;
};

const newestFirst: { column: string; order: 'desc' }[] = [
  { column: 'at', order: 'desc' },
  { column: 'line_id', order: 'desc' },
];
const refusalsShownMax = 100;
/** More changes than a band on a screen can show. */
const signalLinesMax = 20_000;

export function createFloorStore(db: Database): FloorStore {
  return {
    known: (day) => readKnown(db, day),
    series: (machineId, query) => readSeries(db, machineId, query),
    async signalLines(machineId, from, to) {
      const told = () => db('machine_log').where({ machine_id: machineId }).whereIn('kind', ['state', 'signal']);
      const before = await Promise.all(
        (['state', 'signal'] as const).map((kind) =>
          told()
            .where({ kind })
            .whereNot({ code: 'clock' })
            .where('at', '<', from)
            .orderBy(newestFirst)
            .limit(1)
            .select(lineColumns),
        ),
      );
      const within: LineRecord[] = await told()
        .where('at', '>=', from)
        .where('at', '<', to)
        .orderBy(['at', 'line_id'])
        .limit(signalLinesMax)
        .select(lineColumns);
      // A gap that was told after `to` may have begun before it.
      const after: LineRecord[] = await told()
        .where({ kind: 'signal' })
        .whereNot({ code: 'clock' })
        .where('at', '>=', to)
        .orderBy(['at', 'line_id'])
        .limit(1)
        .select(lineColumns);
      return [...before.flat(), ...within, ...after].map(toLogLine) as SignalLine[];
    },
    log: (machineId, filter) => readLog(db, machineId, filter),
    refusals: (machineId) => readRefusals(db, machineId),
  };
}

async function readKnown(db: Database, day: string): Promise<KnownFloor> {
  const statuses: StatusRow[] = await db('machine_status').select();
  const names: { metric_id: number; machine_id: string; name: string }[] = await db('metrics').select();
  const metrics: KnownMetric[] = [];
  for (const { metric_id, machine_id, name } of names) {
    const row = await db('samples').where({ metric_id }).orderBy('at', 'desc').first('at', 'number', 'word');
    const last = row ? { at: row.at, value: sampleValue(row) } : null;
    metrics.push({ machineId: machine_id, name, metricId: metric_id, last });
  }
  const counts: { machine_id: string; day: string; good: number; scrap: number }[] = await db('machine_counts').where({
    day,
  });
  const refusals: { machine_id: string; code: ErrorCode; count: number; last_at: number }[] =
    await db('machine_refusals');
  return {
    statuses: new Map(statuses.map((row) => [row.machine_id, fromStatusRow(row)])),
    metrics,
    counts: counts.map(({ machine_id, ...count }) => ({ machineId: machine_id, ...count })),
    refusals: refusals.map(({ machine_id, code, count, last_at }) => ({
      machineId: machine_id,
      code,
      count,
      lastAt: last_at,
    })),
  };
}

const escapeLike = (text: string): string => text.replace(/[\\%_]/g, (char) => `\\${char}`);

async function readLog(db: Database, machineId: string, filter: LogFilter): ReturnType<FloorStore['log']> {
  const query = db('machine_log').where({ machine_id: machineId });
  if (filter.level) void query.whereIn('level', eventLevels.slice(eventLevels.indexOf(filter.level)));
  if (filter.q) {
    const like = isPostgres(db) ? 'ilike' : 'like';
    const wanted = `%${escapeLike(filter.q)}%`;
    void query.whereRaw(`(text ${like} ? escape '\\' or code ${like} ? escape '\\' or data ${like} ? escape '\\')`, [
      wanted,
      wanted,
      wanted,
    ]);
  }
  const position = /^(\d{1,16})\.(\d{1,16})$/.exec(filter.before ?? '');
  if (position) void query.whereRaw('(at, line_id) < (?, ?)', [Number(position[1]), Number(position[2])]);
  const rows: LineRecord[] = await query
    .orderBy(newestFirst)
    .limit(filter.limit + 1)
    .select(lineColumns);
  const lines = rows.slice(0, filter.limit);
  const last = lines.at(-1);
  return {
    lines: lines.map(toLogLine),
    nextBefore: rows.length > filter.limit && last ? `${last.at}.${last.line_id}` : null,
  };
}

async function readRefusals(db: Database, machineId: string): Promise<Refusals> {
  const counts: { code: ErrorCode; count: number; last_at: number }[] = await db('machine_refusals')
    .where({ machine_id: machineId })
    .orderBy('last_at', 'desc');
  const rows: LineRecord[] = await db('machine_log')
    .where({ machine_id: machineId })
    .whereNotNull('mark')
    .orderBy('line_id', 'desc')
    .limit(refusalsShownMax)
    .select(lineColumns);
  const last = rows.map(toLogLine).map(({ at, mark, text, data }) => ({
    at,
    code: mark as ErrorCode,
    username: textOf(data['username']),
    clientId: textOf(data['clientId']),
    topic: textOf(data['topic']),
    excerpt: textOf(data['excerpt']) ?? (text === '' ? null : text),
    sizeBytes: typeof data['sizeBytes'] === 'number' ? data['sizeBytes'] : null,
  }));
  return { counts: counts.map(({ code, count, last_at }) => ({ code, count, lastAt: last_at })), last };
}

const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null);
