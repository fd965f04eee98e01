import type { Database } from '@sgp/service-kit/database';
import { limits } from '@sgp/shared/limits';
import { toStatusRow } from './status.ts';
import type { SampleRow, TelemetryTx, TelemetryWriter } from './telemetry-tx.ts';

/** The same commit on PostgreSQL: one statement for all samples, because each statement is a journey. */
export const createPostgresWriter = (db: Database): TelemetryWriter => ({
  transaction: (work) => db.transaction((tx) => work(postgresTx(tx as unknown as Database))),
});

const keyOf = (metricId: number, at: number, skewMs: number): string => `${metricId}:${at}:${skewMs}`;

async function insertTrusted(tx: Database, rows: readonly SampleRow[]): Promise<Set<string>> {
  if (rows.length === 0) return new Set();
  const columns = [
    rows.map((row) => row.metricId),
    rows.map((row) => row.at),
    rows.map((row) => row.skewMs),
    rows.map((row) => row.number),
    rows.map((row) => row.word),
  ];
  const result: { rows: { metric_id: number; at: number; skew_ms: number }[] } = await tx.raw(
    `insert into samples (metric_id, at, skew_ms, number, word)
      select * from unnest(?::bigint[], ?::bigint[], ?::bigint[], ?::double precision[], ?::text[])
      on conflict do nothing returning metric_id, at, skew_ms`,
    columns as never,
  );
  return new Set(result.rows.map((row) => keyOf(row.metric_id, row.at, row.skew_ms)));
}

async function insertSkewed(tx: Database, { metricId, at, skewMs, number, word }: SampleRow): Promise<boolean> {
  const result: { rowCount: number } = await tx.raw(
    `insert into samples (metric_id, at, skew_ms, number, word)
      select :metricId::bigint, :at::bigint, :skewMs::bigint, :number::double precision, :word::text where not exists
        (select 1 from samples where metric_id = :metricId and skew_ms <> 0 and at + skew_ms = :ts
          and number is not distinct from :number::double precision and word is not distinct from :word::text
          and at > :from)
      on conflict do nothing`,
    { metricId, at, skewMs, number, word, ts: at + skewMs, from: at - limits.floorClockSkewMaxMs } as never,
  );
  return result.rowCount > 0;
}

function postgresTx(tx: Database): TelemetryTx {
  return {
    async insertSamples(rows) {
      const fresh = await insertTrusted(
        tx,
        rows.filter((row) => row.skewMs === 0),
      );
      const inserted: boolean[] = [];
      // The same sample twice in one batch is one row: its key is taken out with the first.
      for (const row of rows)
        inserted.push(
          row.skewMs === 0 ? fresh.delete(keyOf(row.metricId, row.at, row.skewMs)) : await insertSkewed(tx, row),
        );
      return inserted;
    },
    async createMetric(machineId, name) {
      const [row] = await tx('metrics').insert({ machine_id: machineId, name }).returning('metric_id');
      return row.metric_id;
    },
    async insertLine({ machineId, at, machineAt, kind, level, code, text, mark, data, messageKey }) {
      const rows: { line_id: number }[] = await tx('machine_log')
        .insert({
          machine_id: machineId,
          at,
          machine_at: machineAt,
          kind,
          level,
          code,
          text,
          mark,
          data: JSON.stringify(data),
          message_key: messageKey,
        })
        .onConflict(['machine_id', 'kind', 'message_key'])
        .ignore()
        .returning('line_id');
      return rows[0]?.line_id ?? null;
    },
    async hasLine(machineId, kind, fromKey, toKey) {
      const row = await tx('machine_log')
        .where({ machine_id: machineId, kind })
        .whereBetween('message_key', [fromKey, toKey])
        .first('line_id');
      return row !== undefined;
    },
    async lineTime(machineId, kind, messageKey) {
      const row = await tx('machine_log')
        .where({ machine_id: machineId, kind, message_key: messageKey })
        .first('machine_at', 'at');
      return row?.machine_at ?? row?.at ?? null;
    },
    async stateBefore(machineId, at) {
      const row = await tx('machine_log')
        .where({ machine_id: machineId, kind: 'state' })
        .where('at', '<=', at)
        .orderBy([
          { column: 'at', order: 'desc' },
          { column: 'line_id', order: 'desc' },
        ])
        .first('code', 'text');
      return row ?? null;
    },
    async addCount(machineId, day, good, scrap) {
      await tx('machine_counts')
        .insert({ machine_id: machineId, day, good, scrap })
        .onConflict(['day', 'machine_id'])
        .merge({
          good: tx.raw('machine_counts.good + excluded.good'),
          scrap: tx.raw('machine_counts.scrap + excluded.scrap'),
        });
    },
    async addDelivery({ lineId, machineId, messageId, orderId, good, scrap, at }) {
      const row = { line_id: lineId, machine_id: machineId, message_id: messageId, order_id: orderId };
      await tx('count_deliveries').insert({ ...row, good, scrap, at, attempts: 0, next_at: 0 });
    },
    async addRefusals(machineId, code, count, lastAt) {
      await tx('machine_refusals')
        .insert({ machine_id: machineId, code, count, last_at: lastAt })
        .onConflict(['machine_id', 'code'])
        .merge({
          count: tx.raw('machine_refusals.count + excluded.count'),
          last_at: tx.raw('greatest(machine_refusals.last_at, excluded.last_at)'),
        });
    },
    async saveStatus(machineId, status) {
      await tx('machine_status').insert(toStatusRow(machineId, status)).onConflict('machine_id').merge();
    },
  };
}
