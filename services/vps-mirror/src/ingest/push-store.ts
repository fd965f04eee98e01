import type { VerifiedRequest } from '@sgp/auth/http-signature';
import { type Database, together } from '@sgp/service-kit/database';
import { newId } from '@sgp/service-kit/ids';
import type { NodeRecord, PublicJwk } from '@sgp/shared/api/licensing';
import { AppError, type ErrorCode } from '@sgp/shared/errors';
import { type ChangeResult, type PushAck, type StreamName, streamRules } from '@sgp/shared/sync';
import type { Knex } from 'knex';
import { writeDigestDelta } from '../compare/digest-store.ts';
import { mirrorLimits } from '../mirror-limits.ts';
import type { NoteOverwritten } from '../shared/note-overwritten.ts';
import { type OnAppended, type SharedStream, sharedStreams } from '../shared/on-appended.ts';
import { takeShown } from '../trail/trail-store.ts';
import { type AppliedBatch, applyBatch, type ParkedChange } from './apply-batch.ts';
import type { CheckedChange, GoodChange, Payload } from './check-change.ts';
import { advanceCheckpoint, lastPushSeq, noteFilePush } from './checkpoints.ts';
import type { Envelope } from './decode-batch.ts';
import { createEntityRows, type EntityRows, type RowText } from './entity-rows.ts';
import { noteHealth, requireKnownDisk, requirePresent } from './instance-store.ts';

export type Push = {
  readonly node: NodeRecord;
  readonly stream: StreamName;
  readonly envelope: Envelope;
  readonly checked: readonly CheckedChange[];
  /** The body as it arrived, when, and its SHA-256. */
  readonly body: Buffer;
  readonly arrivedAtMs: number;
  readonly digest: string;
  readonly idempotencyKey: string;
  readonly evidence: Evidence;
  /** A push of a file comes late: it has no place among the push numbers, and its start may have ended. */
  readonly by: 'line' | 'file';
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
   * Applies a push in one transaction: entities, digests, checkpoint, evidence and answer stand together or not at all.
   * @throws AppError IDEMPOTENCY_CONFLICT for a key that came with another body, SEQ_STALE for a pushSeq that is not
   *   above the last one of this node, epoch and channel; `details.lastPushSeq` of both says which that is, so that an
   *   edge that was restored from a backup goes on above it; NODE_SUPERSEDED, NODE_STATE_FORKED
   */
  commit(push: Push): Promise<PushOutcome>;
  /** Deletes the rows of empty pushes that no edge repeats any more; pushes with changes stay as evidence. */
  purge(nowMs: number): Promise<void>;
};

export type PushStoreDeps = {
  readonly db: Database;
  readonly now: () => number;
  /** Runs inside the transaction, so that the news goes out with the commit or not at all. */
  readonly announce: (tx: Database, applied: readonly GoodChange<'orders'>[]) => Promise<void>;
  /** Runs inside the transaction for streams that change what establishments share. */
  readonly onAppended: OnAppended;
  /** Runs inside the transaction, with what was written over by a disk that did not know of it. */
  readonly noteOverwritten: NoteOverwritten;
};

/** Refusals behind which the same push may stand, brought by another connection meanwhile. */
const codesOfRepeats: ReadonlySet<ErrorCode> = new Set(['SEQ_STALE', 'IDEMPOTENCY_CONFLICT'] as const);

export function createPushStore(deps: PushStoreDeps): PushStore {
  const { db } = deps;
  return {
    async commit(push) {
      try {
        return await commitOnce(deps, push);
      } catch (error) {
        // A push that came before, or is brought by another connection right now, finds its number taken: its answer is ours.
        if (!(error instanceof AppError) || !codesOfRepeats.has(error.code)) throw error;
        const before = await findBatch(db, push);
        if (!before) throw error;
        return before;
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

const textsNeeded = new Error('rows are written over whose texts were not read before');

/** The statement of a batch does not give the texts that it replaced: the rare batch that owes them is done once more. */
async function commitOnce(deps: PushStoreDeps, push: Push): Promise<PushOutcome> {
  try {
    return await deps.db.transaction((tx) => commitIn(deps, tx, push, false));
  } catch (error) {
    if (error !== textsNeeded) throw error;
    return deps.db.transaction((tx) => commitIn(deps, tx, push, true));
  }
}

const keyTaken = 'This idempotency key came before with another body; nothing was kept.';

async function findBatch(db: Database, push: Push): Promise<PushOutcome | undefined> {
  const row: { readonly digest: string; readonly ack: string } | undefined = await db('push_batches')
    .where({ node_id: push.node.nodeId, idempotency_key: push.idempotencyKey })
    .first('digest', 'ack');
  if (!row) return undefined;
  if (row.digest !== push.digest)
    throw new AppError('IDEMPOTENCY_CONFLICT', keyTaken, { details: await lastPushSeq(db, push.envelope) });
  return { kind: 'repeated', ack: JSON.parse(row.ack) as PushAck };
}

/** Locks are taken in one order by every push: node, entities by key, checkpoint, then what the company shares. */
async function commitIn(
  deps: PushStoreDeps,
  tx: Knex.Transaction,
  push: Push,
  withTexts: boolean,
): Promise<PushOutcome> {
  const { node, stream, envelope, by } = push;
  const batchId = newId();
  const committedAtMs = deps.now();
  const rows = createEntityRows(tx, stream, node);
  const present = by === 'file' ? requireKnownDisk(tx, envelope) : requirePresent(tx, envelope);
  const texts = withTexts ? await lockTexts(rows, push, present) : null;
  const [, batch, shown] = await together([
    present,
    applyBatch(rows, push.checked, {
      newOnesAllowed: stream !== 'orders' || node.licenceActive,
      kind: streamRules[stream].kind,
      batchId,
      receivedAt: push.arrivedAtMs,
      appliedAt: committedAtMs,
    }),
    shownFor(tx, push, committedAtMs),
  ]);
  if (batch.overwriting.length > 0 && texts === null) throw textsNeeded;
  const closed = closedUpTo(envelope.lowWaterSeq, batch.results);
  const advance = by === 'file' ? noteFilePush : advanceCheckpoint;
  const [ackedSeq] = await together([
    advance(tx, envelope, closed, committedAtMs),
    writeDigestDelta(tx, { stream, tenant: node, batchId, batch }),
  ]);
  const { epoch, pushSeq } = envelope;
  const ack: PushAck = { epoch, pushSeq, ackedSeq, committedAtMs, results: [...batch.results], ...shown };
  await together([
    insertBatch(tx, push, batchId, ack),
    insertParked(tx, node.nodeId, batchId, batch.parked, committedAtMs),
    stream === 'orders' &&
      batch.applied.length > 0 &&
      deps.announce(tx, batch.applied as readonly GoodChange<'orders'>[]),
  ]);
  if (envelope.schemaVersion === 2 && envelope.health)
    await noteHealth(tx, node.nodeId, envelope.health, committedAtMs);
  await tellShops(deps, tx, push, batch);
  if (texts !== null) await tellOverwritten(deps, tx, push, batch, texts);
  return { kind: 'committed', ack, ...batch };
}

/** Told with acknowledgements of the live channel, to an edge that knows the member. */
async function shownFor(tx: Database, { envelope, node, by }: Push, nowMs: number): Promise<Pick<PushAck, 'shown'>> {
  if (by === 'file' || envelope.schemaVersion === 1 || envelope.channel !== 0) return {};
  const shown = await takeShown(tx, node, nowMs);
  return shown.length === 0 ? {} : { shown: [...shown] };
}

async function lockTexts(
  rows: EntityRows,
  { checked }: Push,
  present: Promise<void>,
): Promise<ReadonlyMap<string, RowText>> {
  const [, texts] = await together([
    present,
    rows.lockTexts([...new Set(checked.map(({ change }) => change.entityId))]),
  ]);
  return texts;
}

const isShared = (stream: StreamName): stream is SharedStream => (sharedStreams as readonly string[]).includes(stream);

async function tellShops(deps: PushStoreDeps, tx: Knex.Transaction, push: Push, batch: AppliedBatch): Promise<void> {
  const { stream, node } = push;
  if (isShared(stream) && batch.applied.length > 0)
    await deps.onAppended(tx, stream, batch.applied as readonly { readonly payload: Payload<SharedStream> }[], node);
}

async function tellOverwritten(
  { noteOverwritten }: PushStoreDeps,
  tx: Knex.Transaction,
  { stream, node }: Push,
  { overwriting }: AppliedBatch,
  texts: ReadonlyMap<string, RowText>,
): Promise<void> {
  const overwritten = overwriting.map(({ change, doc }) => {
    const { entityId, version, updatedAt } = change;
    const lost = texts.get(entityId);
    // It came between the reading and the writing: the edge sends the batch again.
    if (lost === undefined) throw textsNeeded;
    return { entityId, by: { version, updatedAt, doc }, lost };
  });
  if (overwritten.length > 0) await noteOverwritten(tx, stream, overwritten, node);
}

/** Up to where nothing is open: the edge's own mark, carried on over the changes of this push that follow it without a gap. */
function closedUpTo(lowWaterSeq: number, results: readonly ChangeResult[]): number {
  const closed = new Set(results.filter(({ outcome }) => outcome !== 'parked').map(({ seq }) => seq));
  let mark = lowWaterSeq;
  while (closed.has(mark + 1)) mark += 1;
  return mark;
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
  const unique = [...new Map(rows.map((row) => [row.change_id, row])).values()].sort((a, b) =>
    a.change_id < b.change_id ? -1 : 1,
  );
  await tx('parked_changes').insert(unique).onConflict(['node_id', 'change_id']).merge();
}
