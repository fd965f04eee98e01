import { type Database, isPostgres } from '@sgp/service-kit/database';
import { newId } from '@sgp/service-kit/ids';
import type { StreamName } from '@sgp/shared/sync';
import { createBatchPicker, entityKeyText } from '@sgp/sync-engine/batch';
import type { Batch, BatchRequest, DiskIdentity, OutboxChange, OutboxPort } from '@sgp/sync-engine/ports';
import { decodeLineage } from '../outbox/said-entities.ts';
import { deliver } from './outbox-delivery.ts';
import { createPushNumbers } from './push-numbers.ts';

/** Rows read at first: a live change is alone. A backlog goes on in larger steps; a batch of large orders must not fill the memory. */
const rowsPerFirstRead = 64;
const rowsPerRead = 256;
/**
 * Rows looked at for one batch. Older versions and what other channels carry are passed over; a batch need not be full, but
 * reading it must take the same time however long the queue is.
 */
const rowsPerBatchMax = 4096;

/**
 * The sending side of the outbox: the engine's durable queue in production.db. Opening it is a start of this disk: it takes
 * the next generation, durably, and a new instance id.
 */
export async function openOutboxQueue(db: Database): Promise<OutboxPort> {
  const instanceId = newId();
  const nextPushSeq = createPushNumbers(db);
  const claims = createClaims();
  // Stored as well for who writes a file of pushes in the name of this start.
  await db('sync_state').where({ id: 1 }).increment('generation', 1).update({ instance_id: instanceId });

  const identity = async (): Promise<DiskIdentity> => {
    const state = await db('sync_state').where({ id: 1 }).first('epoch', 'parent_epoch', 'generation', 'acked_seq');
    const { last_seq: lastSeq } = await db('outbox_head').where({ id: 1 }).first('last_seq');
    const { epoch, parent_epoch: parentEpoch, generation, acked_seq: ackedSeq } = state;
    return { epoch, parentEpoch, generation, instanceId, lastSeq, ackedSeq };
  };
  let { epoch } = await identity();

  return {
    identity,
    async takeEpoch() {
      const next = newId();
      await db('sync_state')
        .where({ id: 1 })
        .update({ epoch: next, parent_epoch: db.ref('epoch'), generation: 1, acked_seq: 0 });
      epoch = next;
      return identity();
    },
    load: (request) =>
      claims.inTurn(request.channel, async (claimed) => {
        const { channel, heartbeat, streams } = request;
        const lowWaterSeq = await readLowWater(db);
        const { changes, more } = await readBatch(db, request, claimed);
        const stream = changes[0]?.stream ?? streams[0];
        if (stream === undefined || (changes.length === 0 && !heartbeat)) return null;
        const pushSeq = await nextPushSeq(channel, request.pushSeqAbove);
        return { channel, stream, epoch, pushSeq, lowWaterSeq, changes, more };
      }),
    release: claims.release,
    deliver: (delivery) => db.transaction((tx) => deliver(tx, delivery)),
    async countAttempt(changes) {
      const seqs = changes.map(({ seq }) => seq);
      await db('outbox').whereIn('seq', seqs).increment('attempts', 1);
    },
  };
}

/** By the text of its key: what a channel carries now. */
type Claimed = ReadonlyMap<string, number>;

/** Which channel carries an entity. It is forgotten with the process: what was under way then is read again. */
function createClaims() {
  const channelOf = new Map<string, number>();
  /** Loads and releases of each channel: a load that was released while it read claims nothing. */
  const turns = new Map<number, number>();
  let last: Promise<unknown> = Promise.resolve();

  const release = (channel: number): number => {
    for (const [key, claimedBy] of channelOf) if (claimedBy === channel) channelOf.delete(key);
    const turn = (turns.get(channel) ?? 0) + 1;
    turns.set(channel, turn);
    return turn;
  };
  return {
    /** One load at a time, so that no two channels read the same entity before one of them claimed it. */
    inTurn(channel: number, read: (claimed: Claimed) => Promise<Batch | null>): Promise<Batch | null> {
      const turn = release(channel);
      const load = async (): Promise<Batch | null> => {
        const batch = await read(channelOf);
        if (turns.get(channel) === turn)
          for (const change of batch?.changes ?? []) channelOf.set(entityKeyText(change), channel);
        return batch;
      };
      const loaded = last.then(load, load);
      last = loaded;
      return loaded;
    },
    release: (channel: number): void => void release(channel),
  };
}

/** At or below it nothing is open. One statement, so that no commit falls between its two halves. */
export async function readLowWater(db: Database): Promise<number> {
  const row = await db('outbox_head')
    .where({ id: 1 })
    .first({ last_seq: 'last_seq', lowest: db('outbox').min('seq') });
  return row.lowest === null ? row.last_seq : row.lowest - 1;
}

type Found = { readonly changes: readonly OutboxChange[]; readonly more: boolean };
const nothing: Found = { changes: [], more: false };

async function readBatch(db: Database, request: BatchRequest, claimed: Claimed): Promise<Found> {
  for (const stream of request.streams) {
    const entities = request.only?.filter((key) => key.stream === stream).map(({ entityId }) => entityId);
    if (entities?.length === 0) continue;
    const found = await readStream(db, { ...request, stream, entities }, claimed);
    if (found.changes.length > 0) return found;
  }
  return nothing;
}

type StreamRequest = Pick<BatchRequest, 'maxChanges' | 'maxBytes'> & {
  readonly stream: StreamName;
  readonly entities: readonly string[] | undefined;
};

/** The newest row of each entity, newest first; what another channel carries is left out. */
async function readStream(db: Database, request: StreamRequest, claimed: Claimed): Promise<Found> {
  const { stream, entities } = request;
  const picker = createBatchPicker<OutboxChange>(request);
  const carried = [...claimed.keys()]
    .filter((key) => key.startsWith(`${stream}/`))
    .map((key) => key.slice(stream.length + 1));
  let below = Number.MAX_SAFE_INTEGER;
  let looked = 0;
  let size = rowsPerFirstRead;
  while (!picker.full && looked < rowsPerBatchMax) {
    const query = db('outbox').where({ stream }).whereNull('parked_at').where('seq', '<', below).limit(size);
    if (carried.length > 0) leaveOut(query, carried, isPostgres(db));
    if (entities === undefined) void query.orderBy('seq', 'desc');
    // Few entities of a long queue: they are found by their key, not by walking through it in the order of its numbers.
    else void query.whereIn('entity_id', [...entities]).orderByRaw('seq + 0 desc');
    const rows: OutboxRow[] = await query;
    for (const row of rows) picker.offer(toChange(row));
    const last = rows.at(-1);
    if (last === undefined || rows.length < size) return { changes: picker.picked, more: picker.full };
    below = last.seq;
    looked += rows.length;
    size = rowsPerRead;
  }
  return { changes: picker.picked, more: true };
}

/** One parameter for all of them: a list of a thousand placeholders would be parsed anew each time. */
function leaveOut(query: ReturnType<Database>, entityIds: readonly string[], postgres: boolean): void {
  if (postgres) void query.whereRaw('not (entity_id = any(?))', [entityIds as string[]]);
  else void query.whereRaw('entity_id not in (select value from json_each(?))', [JSON.stringify(entityIds)]);
}

export type OutboxRow = {
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
  readonly request_id: string | null;
  readonly lineage: string | null;
};

export const toChange = (row: OutboxRow): OutboxChange => ({
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
  ...(row.request_id !== null && { requestId: row.request_id }),
  ...(row.lineage !== null && { lineage: decodeLineage(row.lineage) }),
});
