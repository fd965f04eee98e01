import type { Database } from '@sgp/service-kit/database';
import { type Lane, lanes, type StreamName } from '@sgp/shared/sync';
import { laneOf } from '@sgp/sync-engine/lanes';
import type { ChangeRef, Delivery, ParkedChange } from '@sgp/sync-engine/ports';
import { lockHead, moveHead, readCounts } from '../outbox/outbox-head.ts';
import { doneTable, noteAcknowledged, rowsOf } from '../outbox/said-entities.ts';
import { noteDelivered, noteShown } from '../outbox/trail.ts';

/** Stores an acknowledgement: the queue, what is known of the entities, the trail and the totals, in the caller's transaction. */
export async function deliver(tx: Database, delivery: Delivery): Promise<void> {
  await noteTotals(tx, delivery, await settle(tx, delivery));
}

/**
 * The same without the totals, which tell of the line.
 * @returns how many changes left the queue
 */
export async function settle(
  tx: Database,
  delivery: Omit<Delivery, 'ackedSeq' | 'bytes' | 'clockSkewMs'>,
): Promise<number> {
  await lockHead(tx);
  const incident = await tx('sync_incidents').whereNull('ended_at').first('id', 'peak_pending', 'sent');
  const pending = incident ? await countOpen(tx) : 0;
  const done = Map.groupBy(
    delivery.done.map(({ change }) => change),
    ({ stream }) => stream,
  );
  let acked = 0;
  for (const [stream, changes] of done) {
    acked += await removeAcknowledged(tx, stream, changes);
    await noteAcknowledged(tx, stream, changes, delivery.at);
    if (stream === 'orders') await noteDelivered(tx, changes, { ...delivery, ackedAt: delivery.at });
  }
  for (const parked of delivery.parked) await park(tx, parked, delivery.at);
  await noteShown(tx, delivery.shown ?? []);
  if (incident)
    await tx('sync_incidents')
      .where({ id: incident.id })
      .update({ peak_pending: Math.max(incident.peak_pending, pending), sent: incident.sent + acked });
  return acked;
}

async function countOpen(tx: Database): Promise<number> {
  const { openByLane } = await readCounts(tx);
  return lanes.reduce<number>((sum, lane) => sum + openByLane[lane], 0);
}

type Removed = { readonly lane: Lane; readonly parked_at: number | null };

/**
 * Takes the acknowledged versions and all before them out of the queue.
 * @returns how many changes left it
 */
async function removeAcknowledged(tx: Database, stream: StreamName, done: readonly ChangeRef[]): Promise<number> {
  const table = doneTable(tx, done);
  // `cross join` makes SQLite begin with the list: its time must not grow with what else waits.
  const removed = await rowsOf<Removed>(
    tx,
    `delete from outbox where seq in (with ${table.sql}
       select waiting.seq from done cross join outbox as waiting
       where waiting.stream = ? and waiting.entity_id = done.entity_id and waiting.version <= done.version)
     returning lane, parked_at`,
    [...table.bindings, stream],
  );
  const parked = removed.filter((row) => row.parked_at !== null).length;
  await moveHead(tx, { open: { [laneOf(stream)]: parked - removed.length }, parked: -parked });
  return removed.length;
}

async function park(tx: Database, { change, reason }: ParkedChange, at: number): Promise<void> {
  const parked = await tx('outbox')
    .where({ seq: change.seq, id: change.id })
    .whereNull('parked_at')
    .update({ parked_code: reason.code, parked_detail: reason.detail, parked_at: at });
  if (parked > 0) await moveHead(tx, { open: { [laneOf(change.stream)]: -1 }, parked: 1 });
}

async function noteTotals(tx: Database, delivery: Delivery, acked: number): Promise<void> {
  await tx('sync_state')
    .where({ id: 1 })
    .update({
      last_ack_at: delivery.at,
      acked_seq: tx.raw('case when acked_seq > ? then acked_seq else ? end', [delivery.ackedSeq, delivery.ackedSeq]),
      offline_since: null,
      blocked_kind: null,
      blocked_code: null,
      blocked_detail: null,
      ...(delivery.clockSkewMs !== null && { clock_skew_ms: delivery.clockSkewMs }),
      batches: tx.raw('batches + 1'),
      changes_acked: tx.raw('changes_acked + ?', [acked]),
      bytes_sent: tx.raw('bytes_sent + ?', [delivery.bytes]),
    });
}
