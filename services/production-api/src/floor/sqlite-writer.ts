import type { Database } from '@sgp/service-kit/database';
import { beginImmediate } from '@sgp/service-kit/sqlite-client';
import { limits } from '@sgp/shared/limits';
import { toStatusRow } from './status.ts';
import type { TelemetryTx, TelemetryWriter } from './telemetry-tx.ts';

/** The part of better-sqlite3 that is used here. */
type Statement = {
  run(...values: readonly unknown[]): { readonly changes: number; readonly lastInsertRowid: number | bigint };
  get(...values: readonly unknown[]): unknown;
};
type Connection = { prepare(sql: string): Statement; exec(sql: string): unknown; pragma(text: string): unknown };

/**
 * Writes through the driver itself with prepared statements: knex builds and compiles the text of each statement anew,
 * which costs more than the insert. Nothing in `work` may wait for anything but this transaction, because it holds the
 * database's one connection.
 */
export function createSqliteWriter(db: Database): TelemetryWriter {
  const prepared = new WeakMap<Connection, TelemetryTx>();
  return {
    async transaction(work) {
      const connection = (await db.client.acquireConnection()) as Connection;
      try {
        const tx = prepared.get(connection) ?? prepare(connection);
        prepared.set(connection, tx);
        await beginImmediate(connection);
        try {
          const result = await work(tx);
          connection.exec('COMMIT');
          return result;
        } catch (error) {
          // A full disk may have ended the transaction already.
          if ((connection as { inTransaction?: boolean }).inTransaction) connection.exec('ROLLBACK');
          throw error;
        }
      } finally {
        await db.client.releaseConnection(connection);
      }
    },
  };
}

function prepare(connection: Connection): TelemetryTx {
  const sample = connection.prepare('insert or ignore into samples values (?, ?, ?, ?, ?)');
  // Its arrival differs at each repeat, so a repeat is known by the machine's own time and the value; but a clock that
  // stands still sends one time for ever, so only the near past counts.
  const skewedSample =
    connection.prepare(`insert or ignore into samples select @metricId, @at, @skewMs, @number, @word where not exists
      (select 1 from samples where metric_id = @metricId and skew_ms <> 0 and at + skew_ms = @at + @skewMs
        and number is @number and word is @word and at > @at - ${limits.floorClockSkewMaxMs})`);
  const metric = connection.prepare('insert into metrics (machine_id, name) values (?, ?)');
  const line = connection.prepare(`insert or ignore into machine_log
    (machine_id, at, machine_at, kind, level, code, text, mark, data, message_key) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  const hasLine = connection.prepare(
    'select 1 from machine_log where machine_id = ? and kind = ? and message_key between ? and ? limit 1',
  );
  const lineTime = connection.prepare(
    'select coalesce(machine_at, at) as ts from machine_log where machine_id = ? and kind = ? and message_key = ?',
  );
  const stateBefore = connection.prepare(`select code, text from machine_log
    where machine_id = ? and kind = 'state' and at <= ? order by at desc, line_id desc limit 1`);
  const count = connection.prepare(`insert into machine_counts (machine_id, day, good, scrap) values (?, ?, ?, ?)
    on conflict do update set good = good + excluded.good, scrap = scrap + excluded.scrap`);
  const delivery = connection.prepare(`insert into count_deliveries
    (line_id, machine_id, message_id, order_id, good, scrap, at, attempts, next_at) values (?, ?, ?, ?, ?, ?, ?, 0, 0)`);
  const refusals =
    connection.prepare(`insert into machine_refusals (machine_id, code, count, last_at) values (?, ?, ?, ?)
    on conflict do update set count = count + excluded.count, last_at = max(last_at, excluded.last_at)`);
  const status = connection.prepare(`insert or replace into machine_status (machine_id, state, state_reason, state_at,
    state_since, online, online_since, last_message_at, clock_skew_ms, order_id, order_number, order_customer)
    values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  return {
    async insertSamples(rows) {
      return rows.map((row) => {
        const { metricId, at, skewMs, number, word } = row;
        return (skewMs === 0 ? sample.run(metricId, at, 0, number, word) : skewedSample.run(row)).changes > 0;
      });
    },
    async createMetric(machineId, name) {
      return Number(metric.run(machineId, name).lastInsertRowid);
    },
    async insertLine({ machineId, at, machineAt, kind, level, code, text, mark, data, messageKey }) {
      const values = [machineId, at, machineAt, kind, level, code, text, mark, JSON.stringify(data), messageKey];
      const { changes, lastInsertRowid } = line.run(...values);
      return changes > 0 ? Number(lastInsertRowid) : null;
    },
    async hasLine(machineId, kind, fromKey, toKey) {
      return hasLine.get(machineId, kind, fromKey, toKey) !== undefined;
    },
    async lineTime(machineId, kind, messageKey) {
      return (lineTime.get(machineId, kind, messageKey) as { ts: number } | undefined)?.ts ?? null;
    },
    async stateBefore(machineId, at) {
      return (stateBefore.get(machineId, at) as { code: string; text: string } | undefined) ?? null;
    },
    async addCount(machineId, day, good, scrap) {
      count.run(machineId, day, good, scrap);
    },
    async addDelivery({ lineId, machineId, messageId, orderId, good, scrap, at }) {
      delivery.run(lineId, machineId, messageId, orderId, good, scrap, at);
    },
    async addRefusals(machineId, code, added, lastAt) {
      refusals.run(machineId, code, added, lastAt);
    },
    async saveStatus(machineId, value) {
      const { online, ...row } = toStatusRow(machineId, value);
      status.run(
        row.machine_id,
        row.state,
        row.state_reason,
        row.state_at,
        row.state_since,
        online === null ? null : Number(online),
        row.online_since,
        row.last_message_at,
        row.clock_skew_ms,
        row.order_id,
        row.order_number,
        row.order_customer,
      );
    },
  };
}
