import type { Database } from '@sgp/service-kit/database';
import { type StreamName, streams } from '@sgp/shared/sync';
import { createBatchPicker } from '@sgp/sync-engine/batch';
import type { Batch, BatchRequest, ChangeRef, Delivery, OutboxChange, OutboxPort } from '@sgp/sync-engine/ports';

/**
 * Push numbers are taken in blocks of this size, so that a push costs no commit before it. A restart skips what was left
 * of the block: numbers only have to grow.
 */
const pushSeqBlock = 1000;
/** Rows read at once: a live change is alone, and a batch of large orders must not fill the memory. */
const rowsPerRead = 64;

type OutboxRow = {
  readonly seq: number;
  readonly id: string;
  readonly stream: StreamName;
  readonly entity_id: string;
  readonly version: number;
  readonly parent_version: number;
  readonly updated_at: string;
  readonly op: 'upsert';
  readonly payload: string;
  readonly hash: string;
};

/** The sending side of the outbox: the engine's durable queue in production.db. */
export function createOutboxQueue(db: Database, epoch: string): OutboxPort {
  const nextPushSeq = createPushNumbers(db);
  return {
    async load(request) {
      const lowWaterSeq = await readLowWater(db);
      const changes = request.only?.length === 0 ? [] : await readBatch(db, request);
      if (changes.length === 0 && !request.heartbeat) return null;
      const stream = changes[0]?.stream ?? streams[0];
      return { stream, epoch, pushSeq: await nextPushSeq(request.pushSeqAbove), lowWaterSeq, changes } satisfies Batch;
    },
    async deliver(delivery) {
      await db.transaction((tx) => deliver(tx, delivery));
    },
    async countAttempt(changes) {
      const seqs = changes.map(({ seq }) => seq);
      await db('outbox').whereIn('seq', seqs).increment('attempts', 1);
    },
  };
}

function createPushNumbers(db: Database): (above: number) => Promise<number> {
  let next = 1;
  let reserved = 0;
  return async (above) => {
    if (next > reserved || next <= above) {
      await db.transaction(async (tx) => {
        const row = await tx('sync_state').where({ id: 1 }).first('push_seq');
        const start: number = Math.max(row.push_seq, above);
        await tx('sync_state')
          .where({ id: 1 })
          .update({ push_seq: start + pushSeqBlock });
        next = start + 1;
        reserved = start + pushSeqBlock;
      });
    }
    return next++;
  };
}

/** At or below it nothing is open. One statement, so that no commit falls between its two halves. */
async function readLowWater(db: Database): Promise<number> {
  const row = await db('outbox_head')
    .where({ id: 1 })
    .first({ last_seq: 'last_seq', lowest: db('outbox').min('seq') });
  return row.lowest === null ? row.last_seq : row.lowest - 1;
}

async function readBatch(db: Database, request: BatchRequest): Promise<readonly OutboxChange[]> {
  for (const stream of streams) {
    const changes = await readStream(db, stream, request);
    if (changes.length > 0) return changes;
  }
  return [];
}

async function readStream(
  db: Database,
  stream: StreamName,
  { only, maxChanges, maxBytes }: BatchRequest,
): Promise<readonly OutboxChange[]> {
  const picker = createBatchPicker<OutboxChange>({ maxChanges, maxBytes });
  const entities = only?.filter((key) => key.stream === stream).map(({ entityId }) => entityId);
  if (entities?.length === 0) return [];
  let below = Number.MAX_SAFE_INTEGER;
  while (!picker.full) {
    const query = db('outbox').where({ stream }).whereNull('parked_at').where('seq', '<', below);
    if (entities) query.whereIn('entity_id', entities);
    const rows: OutboxRow[] = await query.orderBy('seq', 'desc').limit(rowsPerRead);
    for (const row of rows) picker.offer(toChange(row));
    const last = rows.at(-1);
    if (last === undefined || rows.length < rowsPerRead) break;
    below = last.seq;
  }
  return picker.picked;
}

const toChange = (row: OutboxRow): OutboxChange => ({
  seq: row.seq,
  id: row.id,
  stream: row.stream,
  entityId: row.entity_id,
  version: row.version,
  parentVersion: row.parent_version,
  updatedAt: row.updated_at as OutboxChange['updatedAt'],
  op: row.op,
  payload: row.payload,
  hash: row.hash,
});

async function deliver(tx: Database, delivery: Delivery): Promise<void> {
  const incident = await tx('sync_incidents').whereNull('ended_at').first('id', 'peak_pending', 'sent');
  const pending = incident ? await countOpen(tx) : 0;
  const done = delivery.done.map(({ change }) => change);
  let acked = 0;
  for (const stream of new Set(done.map((change) => change.stream))) {
    const ofStream = done.filter((change) => change.stream === stream);
    acked += await removeAcknowledged(tx, stream, ofStream);
    await noteVersions(tx, stream, ofStream, delivery.at);
  }
  for (const { change, reason } of delivery.parked)
    await tx('outbox')
      .where({ seq: change.seq, id: change.id })
      .update({ parked_code: reason.code, parked_detail: reason.detail, parked_at: delivery.at });
  if (incident)
    await tx('sync_incidents')
      .where({ id: incident.id })
      .update({ peak_pending: Math.max(incident.peak_pending, pending), sent: incident.sent + acked });
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

async function countOpen(tx: Database): Promise<number> {
  const row = await tx('outbox').whereNull('parked_at').count({ n: '*' }).first();
  return Number(row?.['n']);
}

/**
 * Takes the acknowledged versions and all before them out of the queue.
 * @returns how many changes left it
 */
async function removeAcknowledged(tx: Database, stream: StreamName, done: readonly ChangeRef[]): Promise<number> {
  const values = done.map(() => '(?, cast(? as bigint))').join(', ');
  // `cross join` makes SQLite begin with the list: its time must not grow with what else waits.
  return tx('outbox')
    .whereRaw(
      `seq in (with done(entity_id, version) as (values ${values})
        select waiting.seq from done cross join outbox as waiting
        where waiting.stream = ? and waiting.entity_id = done.entity_id and waiting.version <= done.version)`,
      [...done.flatMap(({ entityId, version }) => [entityId, version]), stream],
    )
    .delete();
}

/** What the order lists show as arrived in the cloud. */
async function noteVersions(tx: Database, stream: StreamName, done: readonly ChangeRef[], at: number): Promise<void> {
  await tx('sync_entities')
    .insert(
      done.map(({ entityId, version }) => ({ stream, entity_id: entityId, acked_version: version, acked_at: at })),
    )
    .onConflict(['stream', 'entity_id'])
    .merge()
    .whereRaw('excluded.acked_version > sync_entities.acked_version');
}
