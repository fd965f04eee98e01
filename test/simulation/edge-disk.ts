import { canonicalJson, type Json } from '@sgp/shared/canonical-json';
import { type Hlc, type HlcState, hlcTick, hlcZero } from '@sgp/shared/clock';
import { type StreamName, streamRules } from '@sgp/shared/sync';
import { entityKeyText } from '@sgp/sync-engine/batch';
import { type Lineage, lineageAfter } from '@sgp/sync-engine/lineage';
import type { Delivery, DiskIdentity, OutboxChange, ParkReason } from '@sgp/sync-engine/ports';
import type { initialUplink } from '@sgp/sync-engine/uplink-state';
import { sha256Hex } from './hash.ts';
import type { Mutant } from './rules.ts';
import { addTo, digestOf, type Sums } from './sums.ts';

export type QueuedChange = OutboxChange & { readonly parked: ParkReason | null };
export type SyncEntity = Pick<OutboxChange, 'stream' | 'entityId' | 'version' | 'updatedAt' | 'hash' | 'payload'> & {
  readonly digest: string;
  readonly ackedVersion: number;
  /** Null: it is written once, and replaces nothing. */
  readonly lineage: Lineage | null;
};

/** What an edge's disk holds. Maps hold values that are never changed in place, so that a copy of the maps is a backup. */
export type EdgeDisk = {
  /** Of the oracle alone: a copy or a restored disk begins another history. */
  readonly history: number;
  epoch: string;
  parentEpoch: string | null;
  generation: number;
  pushSeqs: readonly number[];
  lastSeq: number;
  ackedSeq: number;
  lastAckAt: number | null;
  hlc: HlcState;
  /** The disk was nearly full at the last look. */
  shedding: boolean;
  /** Changes of lane 3 that were refused or dropped for want of room. */
  shed: number;
  readonly outbox: Map<number, QueuedChange>;
  readonly entities: Map<string, SyncEntity>;
  readonly sums: Sums;
  /** Whole entities of a lost history, with the Core's text: `order-restored` and `order-unknown`. */
  readonly ledger: Map<string, 'restored' | 'unknown'>;
};

export const newEdgeDisk = (epoch: string, history: number): EdgeDisk => ({
  history,
  epoch,
  parentEpoch: null,
  generation: 0,
  pushSeqs: [0, 0, 0, 0],
  lastSeq: 0,
  ackedSeq: 0,
  lastAckAt: null,
  hlc: hlcZero,
  shedding: false,
  shed: 0,
  outbox: new Map(),
  entities: new Map(),
  sums: new Map(),
  ledger: new Map(),
});

export const copyEdgeDisk = (disk: EdgeDisk, history = disk.history): EdgeDisk => ({
  ...disk,
  history,
  outbox: new Map(disk.outbox),
  entities: new Map(disk.entities),
  sums: new Map(disk.sums),
  ledger: new Map(disk.ledger),
});

/** The content of one version of one entity, whoever holds it. */
export const contentKey = (each: {
  readonly entityId: string;
  readonly version: number;
  readonly hash: string;
}): string => `${each.entityId}/${each.version}/${each.hash}`;

export const isSettled = (entity: SyncEntity): boolean => entity.ackedVersion === entity.version;

export function tick(disk: EdgeDisk, wallMs: number, node: string, mutant: Mutant | null): Hlc {
  const [next, stamp] = hlcTick(mutant === 'stamp-of-the-wall' ? hlcZero : disk.hlc, wallMs, node);
  disk.hlc = next;
  return stamp;
}

type Entry = {
  readonly id: string;
  readonly stream: StreamName;
  readonly entityId: string;
  readonly version: number;
  readonly updatedAt: Hlc;
  readonly payload: Json;
};

/** What the shop says: the entity as it is now, and its row of the queue. Both are part of the transaction of the caller. */
export function say(disk: EdgeDisk, entry: Entry, mutant: Mutant | null): SyncEntity {
  const payload = canonicalJson(entry.payload);
  const hash = sha256Hex(payload);
  const { stream, entityId, version, updatedAt } = entry;
  const digest = digestOf(entityId, version, hash);
  const lineage = mutant === 'lineage-left-out' ? null : lineageOf(stream, disk.entities.get(entityKeyText(entry)));
  const entity: SyncEntity = { stream, entityId, version, updatedAt, hash, payload, digest, ackedVersion: 0, lineage };
  unsettle(disk, entity, mutant);
  disk.entities.set(entityKeyText(entity), entity);
  return entity;
}

const lineageOf = (stream: StreamName, before: SyncEntity | undefined): Lineage | null =>
  streamRules[stream].kind === 'append'
    ? null
    : lineageAfter(before ? { ...before, settled: isSettled(before) } : null);

export function enqueue(disk: EdgeDisk, entity: SyncEntity, id: string): void {
  const { stream, entityId, version, updatedAt, hash, payload, lineage } = entity;
  disk.lastSeq += 1;
  const seq = disk.lastSeq;
  const parentVersion = version - 1;
  disk.outbox.set(seq, {
    seq,
    id,
    stream,
    entityId,
    version,
    parentVersion,
    updatedAt,
    op: 'upsert',
    payload,
    hash,
    ...(lineage && { lineage: [...lineage] }),
    parked: null,
  });
}

/** Sums are over what is settled: a version that goes into the queue is not, and the one before it is gone. */
function unsettle(disk: EdgeDisk, next: Pick<SyncEntity, 'stream' | 'entityId'>, mutant: Mutant | null): void {
  const before = disk.entities.get(entityKeyText(next));
  if (before === undefined || !isSettled(before) || mutant === 'edge-digest-kept') return;
  addTo(disk.sums, before.stream, before.entityId, before.digest, -1);
}

/** The same version and hash go again under a new number. */
export function requeue(disk: EdgeDisk, key: string, version: number, id: string, mutant: Mutant | null): boolean {
  const entity = disk.entities.get(key);
  // What is on its way already, or was written meanwhile, needs no second row.
  if (entity === undefined || entity.version !== version || !isSettled(entity)) return false;
  unsettle(disk, entity, mutant);
  const open = { ...entity, ackedVersion: 0 };
  disk.entities.set(key, open);
  enqueue(disk, open, id);
  return true;
}

/** An acknowledgement, in one transaction. */
export function deliver(disk: EdgeDisk, delivery: Delivery, mutant: Mutant | null): void {
  for (const { change } of delivery.done) {
    const key = entityKeyText(change);
    for (const row of disk.outbox.values()) {
      const covered = row.version <= change.version || mutant === 'ack-covers-newer';
      if (entityKeyText(row) === key && covered) disk.outbox.delete(row.seq);
    }
    const entity = disk.entities.get(key);
    if (entity === undefined || entity.version !== change.version || isSettled(entity)) continue;
    disk.entities.set(key, { ...entity, ackedVersion: entity.version });
    addTo(disk.sums, entity.stream, entity.entityId, entity.digest, 1);
  }
  for (const { change, reason } of delivery.parked) {
    const row = disk.outbox.get(change.seq);
    if (row === undefined || row.id !== change.id) continue;
    if (mutant === 'parked-dropped') disk.outbox.delete(row.seq);
    else disk.outbox.set(row.seq, { ...row, parked: reason });
  }
  disk.lastAckAt = delivery.at;
  disk.ackedSeq = Math.max(disk.ackedSeq, delivery.ackedSeq);
}

export function beginEpoch(disk: EdgeDisk, epoch: string): void {
  Object.assign(disk, { epoch, parentEpoch: disk.epoch, generation: 1, pushSeqs: [0, 0, 0, 0], ackedSeq: 0 });
}

/** What the handshake says of this disk. */
export const identityOf = (disk: EdgeDisk, instanceId: string): DiskIdentity => {
  const { epoch, parentEpoch, generation, lastSeq, ackedSeq } = disk;
  return { epoch, parentEpoch, generation, instanceId, lastSeq, ackedSeq };
};

/** What a start finds of the start before. */
export const storedOn = ({ lastAckAt, ackedSeq }: EdgeDisk): Parameters<typeof initialUplink>[0] => ({
  ...{ lastAckAt, offlineSince: null, clockSkewMs: null, ackedSeq, blocked: null },
});
