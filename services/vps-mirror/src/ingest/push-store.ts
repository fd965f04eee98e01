import type { VerifiedRequest } from '@sgp/auth/http-signature';
import { type Database, isPostgres } from '@sgp/service-kit/database';
import { newId } from '@sgp/service-kit/ids';
import type { NodeRecord, PublicJwk } from '@sgp/shared/api/licensing';
import { AppError } from '@sgp/shared/errors';
import type { ChangeResult, PushAck } from '@sgp/shared/sync';
import { mirrorLimits } from '../mirror-limits.ts';
import { type AppliedBatch, applyBatch, type ParkedChange } from './apply-batch.ts';
import type { CheckedChange } from './check-change.ts';
import type { Envelope } from './decode-batch.ts';
import { createOrderRows } from './order-upsert.ts';

export type Push = {
  readonly node: NodeRecord;
  readonly envelope: Envelope;
  readonly checked: readonly CheckedChange[];
  /** The body as it arrived and its SHA-256. */
  readonly body: Buffer;
  readonly digest: string;
  readonly idempotencyKey: string;
  readonly evidence: Evidence;
};

/** Proves later who sent a push, without any secret and even after the key was revoked (SECURITY P16). */
export type Evidence = Pick<VerifiedRequest, 'keyId' | 'covered' | 'signature' | 'signatureInput'> & {
  readonly publicJwk: PublicJwk | undefined;
};

export type PushOutcome =
  | ({ readonly kind: 'committed'; readonly ack: PushAck } & AppliedBatch)
  /** The same push again: its first answer, nothing was written. */
  | { readonly kind: 'repeated'; readonly ack: PushAck };

export type PushStore = {
  /**
   * Applies a push in one transaction: orders, checkpoint, evidence and answer stand together or not at all.
   * @throws AppError IDEMPOTENCY_CONFLICT for a key that came with another body, SEQ_STALE for a pushSeq that is not
   *   above the last one of this node and epoch; `details.lastPushSeq` of both says which that is, so that an edge that
   *   was restored from a backup goes on above it
   */
  commit(push: Push): Promise<PushOutcome>;
  /** Deletes the rows of empty pushes that no edge repeats any more; pushes with changes stay as evidence. */
  purge(nowMs: number): Promise<void>;
};

export type PushStoreDeps = {
  readonly db: Database;
  readonly now: () => number;
  /** Runs inside the transaction, so that the news goes out with the commit or not at all. */
  readonly announce: (tx: Database, applied: AppliedBatch['applied']) => Promise<void>;
};

export function createPushStore({ db, now, announce }: PushStoreDeps): PushStore {
  return {
    async commit(push) {
      const before = await findBatch(db, push);
      if (before) return before;
      try {
        return await db.transaction((tx) => commitIn(tx as unknown as Database, push, now, announce));
      } catch (error) {
        // Another connection may have brought the same push, or its key, in the meantime: then its answer is ours.
        if (!(error instanceof AppError)) throw error;
        const meanwhile = await findBatch(db, push);
        if (!meanwhile) throw error;
        return meanwhile;
      }
    },
    async purge(nowMs) {
      await db('push_batches')
        .where('changes', 0)
        .where('received_at', '<', nowMs - mirrorLimits.heartbeatRowsKeptMs)
        .delete();
    },
  };
}

const keyTaken = 'This idempotency key came before with another body; nothing was kept.';

async function checkpointDetails(db: Database, { nodeId, epoch }: Envelope): Promise<{ lastPushSeq?: number }> {
  const row: { readonly push_seq: number } | undefined = await db('push_checkpoints')
    .where({ node_id: nodeId, epoch })
    .first('push_seq');
  return row ? { lastPushSeq: row.push_seq } : {};
}

async function findBatch(db: Database, push: Push): Promise<PushOutcome | undefined> {
  const row: { readonly digest: string; readonly ack: string } | undefined = await db('push_batches')
    .where({ node_id: push.node.nodeId, idempotency_key: push.idempotencyKey })
    .first('digest', 'ack');
  if (!row) return undefined;
  if (row.digest !== push.digest)
    throw new AppError('IDEMPOTENCY_CONFLICT', keyTaken, { details: await checkpointDetails(db, push.envelope) });
  return { kind: 'repeated', ack: JSON.parse(row.ack) as PushAck };
}

async function commitIn(
  tx: Database,
  push: Push,
  now: () => number,
  announce: PushStoreDeps['announce'],
): Promise<PushOutcome> {
  const { node, envelope } = push;
  const batchId = newId();
  const committedAtMs = now();
  const rows = createOrderRows(tx, node);
  const batch = await applyBatch(rows, push.checked, {
    newOrdersAllowed: node.licenceActive,
    batchId,
    receivedAt: committedAtMs,
  });
  const ackedSeq = await advanceCheckpoint(
    tx,
    envelope,
    closedUpTo(envelope.lowWaterSeq, batch.results),
    committedAtMs,
  );
  const { epoch, pushSeq } = envelope;
  const ack: PushAck = { epoch, pushSeq, ackedSeq, committedAtMs, results: [...batch.results] };
  await insertBatch(tx, push, batchId, ack);
  await insertParked(tx, node.nodeId, batchId, batch.parked, committedAtMs);
  await announce(tx, batch.applied);
  return { kind: 'committed', ack, ...batch };
}

/** Up to where nothing is open: the edge's own mark, carried on over the changes of this push that follow it without a gap. */
function closedUpTo(lowWaterSeq: number, results: readonly ChangeResult[]): number {
  const closed = new Set(results.filter(({ outcome }) => outcome !== 'parked').map(({ seq }) => seq));
  let mark = lowWaterSeq;
  while (closed.has(mark + 1)) mark += 1;
  return mark;
}

/** Compare and set (SECURITY P9): of two writers with one number, one finds the row moved on. */
async function advanceCheckpoint(tx: Database, envelope: Envelope, closed: number, nowMs: number): Promise<number> {
  const { nodeId, epoch, pushSeq, sentAtMs } = envelope;
  const greater = isPostgres(tx) ? 'greatest' : 'max';
  const answer = await tx.raw(
    `insert into push_checkpoints (node_id, epoch, push_seq, acked_seq, last_at, skew_ms) values (?, ?, ?, ?, ?, ?)
     on conflict (node_id, epoch) do update set push_seq = excluded.push_seq,
       acked_seq = ${greater}(push_checkpoints.acked_seq, excluded.acked_seq),
       last_at = excluded.last_at, skew_ms = excluded.skew_ms
     where push_checkpoints.push_seq < excluded.push_seq
     returning acked_seq`,
    [nodeId, epoch, pushSeq, closed, nowMs, sentAtMs - nowMs],
  );
  const rows: readonly { readonly acked_seq: number }[] = isPostgres(tx) ? answer.rows : answer;
  const row = rows[0];
  if (!row)
    throw new AppError('SEQ_STALE', 'This push is not above the last one of its node; nothing was changed.', {
      details: await checkpointDetails(tx, envelope),
    });
  return row.acked_seq;
}

async function insertBatch(tx: Database, push: Push, batchId: string, ack: PushAck): Promise<void> {
  const inserted = await tx('push_batches')
    .insert({
      node_id: push.node.nodeId,
      idempotency_key: push.idempotencyKey,
      batch_id: batchId,
      epoch: ack.epoch,
      push_seq: ack.pushSeq,
      changes: ack.results.length,
      received_at: ack.committedAtMs,
      digest: push.digest,
      ack: JSON.stringify(ack),
      evidence: JSON.stringify(push.evidence),
      body: push.body,
    })
    .onConflict(['node_id', 'idempotency_key'])
    .ignore()
    .returning('batch_id');
  if (inserted.length === 0) throw new AppError('IDEMPOTENCY_CONFLICT', keyTaken);
}

async function insertParked(
  tx: Database,
  nodeId: string,
  batchId: string,
  parked: readonly ParkedChange[],
  nowMs: number,
): Promise<void> {
  if (parked.length === 0) return;
  // A batch may name one change twice; the last reason stands.
  const rows = parked.map(({ change, reason }) => ({
    node_id: nodeId,
    change_id: change.id,
    entity_id: change.entityId,
    version: change.version,
    hash: change.hash,
    code: reason.code,
    detail: reason.detail,
    batch_id: batchId,
    parked_at: nowMs,
  }));
  const unique = [...new Map(rows.map((row) => [row.change_id, row])).values()];
  await tx('parked_changes').insert(unique).onConflict(['node_id', 'change_id']).merge();
}
