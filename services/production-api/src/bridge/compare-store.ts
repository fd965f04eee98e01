import type { Database } from '@sgp/service-kit/database';
import { newId } from '@sgp/service-kit/ids';
import type { Hlc } from '@sgp/shared/clock';
import { type StreamName, streams } from '@sgp/shared/sync';
import type { StreamDigest } from '@sgp/shared/sync-digest';
import type { Conflict } from '@sgp/shared/sync-payloads';
import type { CoreEntity, EdgeEntity } from '@sgp/sync-engine/compare-state';
import { type BucketSum, createDigestTree, encodeSum, sumFromHex } from '@sgp/sync-engine/digest';
import { laneOf } from '@sgp/sync-engine/lanes';
import { ledgerEntity, ledgerTextMaxChars } from '@sgp/sync-engine/lost-history';
import { createConflictStore } from '../conflicts/conflict-store.ts';
import { lockHead, takeSeqs } from '../outbox/outbox-head.ts';
import { recountSums, unsettle } from '../outbox/said-entities.ts';
import { lostVersionId } from '../sync/lost-history.ts';

/** Entities read or queued at once. */
const rowsPerStep = 500;
/** What this many comparisons ended with is kept: with one each 15 minutes, two weeks. */
const receiptsKept = 1_400;

/** What the shop writes as a whole and may write again above the Core's version. */
const rewritable: ReadonlySet<StreamName> = new Set(['orders', 'customers', 'machines'] as const);
/** What a person looks for when it is on one side only. The others are records of what happened. */
const listed: ReadonlySet<StreamName> = new Set(['orders', 'customers', 'machines', 'stock'] as const);
/** An entity of the Core, with its text where the Core told it. */
export type FoundEntity = CoreEntity & { readonly doc: string | undefined };
/** What the Core is ahead in; `edgeVersion` is the version that was compared. */
export type BehindEntity = { readonly edgeVersion: number; readonly core: FoundEntity };

/** The edge's side of a comparison (docs/sync-protocol.md §6.2). */
export type CompareStore = {
  roots(): Promise<readonly StreamDigest[]>;
  tree(stream: StreamName): Promise<readonly (BucketSum & { readonly bucket: number })[]>;
  entities(stream: StreamName, buckets: readonly number[]): Promise<readonly EdgeEntity[]>;
  /**
   * Queues what is stored of these versions again.
   * @returns how many; a newer version that was written meanwhile goes by itself
   */
  requeue(stream: StreamName, entities: readonly Pick<EdgeEntity, 'entityId' | 'version'>[]): Promise<number>;
  /**
   * Asks the shop to write these anew above the Core's version. What the shop may not write anew goes to the ledger.
   * @returns how many will be written
   */
  repair(stream: StreamName, found: readonly BehindEntity[]): Promise<number>;
  /**
   * Lists what the Core has and this shop never said, as far as a person would look for it.
   * @returns how many are news
   */
  unknown(stream: StreamName, core: readonly FoundEntity[]): Promise<number>;
  recount(stream: StreamName, buckets: readonly number[]): Promise<void>;
  /**
   * @param receipt its signature was verified
   * @param at when the Core signed it, in ms since 1970
   */
  saveReceipt(receipt: string, at: number): Promise<void>;
  /** @param missing records of this shop that the Core did not have in their present version */
  saveComparison(missing: number, at: number): Promise<void>;
};

export function createCompareStore(db: Database, now: () => number = Date.now): CompareStore {
  const conflicts = createConflictStore();
  const tree = async (stream: StreamName): Promise<readonly (BucketSum & { readonly bucket: number })[]> => {
    const rows = await db('digest_buckets').where({ stream }).select('bucket', 'sum', 'rows');
    return rows.map(({ bucket, sum, rows: count }) => ({ bucket, sum: sumFromHex(sum), rows: count }));
  };
  const openConflict = async (tx: Database, conflict: Omit<Conflict, 'at' | 'resolvedAt' | 'resolution'>) => {
    const isNews = (await conflicts.find(tx, conflict.conflictId)) === null;
    if (isNews) await conflicts.open(tx, { ...conflict, at: now(), resolvedAt: null, resolution: null });
    return isNews;
  };
  const saidOf = (tx: Database, stream: StreamName, core: readonly FoundEntity[]): Promise<readonly SaidRow[]> =>
    tx('sync_entities')
      .where({ stream })
      .whereIn(
        'entity_id',
        core.map(({ entityId }) => entityId),
      )
      .select('entity_id', 'version', 'updated_at', 'doc');

  return {
    async roots() {
      return Promise.all(
        streams.map(async (stream) => {
          const { sum, rows } = createDigestTree(await tree(stream)).root();
          const newest = await db('sync_entities')
            .where({ stream })
            .whereNotNull('settled_digest')
            .orderBy('updated_at', 'desc')
            .first('updated_at');
          return { stream, rows, root: encodeSum(sum), newest: newest?.updated_at ?? null };
        }),
      );
    },
    tree,
    async entities(stream, buckets) {
      const rows: readonly EntityRow[] = await db('sync_entities')
        .where({ stream })
        .whereIn('bucket', [...buckets])
        .select('entity_id', 'bucket', 'version', 'digest', 'settled_digest');
      return rows.map((row) => ({
        entityId: row.entity_id,
        bucket: row.bucket,
        version: row.version,
        digest: row.digest,
        open: row.settled_digest === null,
      }));
    },
    async requeue(stream, entities) {
      let queued = 0;
      for (let start = 0; start < entities.length; start += rowsPerStep) {
        const step = entities.slice(start, start + rowsPerStep);
        queued += await db.transaction((tx) => requeueStep(tx, stream, step, now()));
      }
      return queued;
    },
    repair: (stream, found) =>
      db.transaction(async (tx) => {
        const saidRows = await saidOf(
          tx,
          stream,
          found.map(({ core }) => core),
        );
        const said = new Map(saidRows.map((row) => [row.entity_id, row]));
        // Written meanwhile: what was compared is not what stands here any more, and the next comparison judges it.
        const due = found.filter(({ edgeVersion, core }) => said.get(core.entityId)?.version === edgeVersion);
        for (const { core } of due) {
          if (rewritable.has(stream)) await noteRepair(tx, stream, core, now());
          else if (listed.has(stream)) await openConflict(tx, standsAtCore(stream, core, said.get(core.entityId)));
        }
        return rewritable.has(stream) ? due.length : 0;
      }),
    unknown: (stream, core) =>
      db.transaction(async (tx) => {
        if (!listed.has(stream)) return 0;
        // Said before, with a content that this disk does not have since it was updated: it is being written anew.
        const said = new Set((await saidOf(tx, stream, core)).map((row) => row.entity_id));
        let news = 0;
        for (const each of core)
          if (!said.has(each.entityId) && (await openConflict(tx, standsAtCore(stream, each, undefined)))) news += 1;
        return news;
      }),
    recount: (stream, buckets) =>
      db.transaction(async (tx) => {
        await lockHead(tx);
        await recountSums(tx, stream, buckets);
      }),
    async saveReceipt(receipt, at) {
      await db('sync_receipts').insert({ received_at: at, receipt }).onConflict('received_at').merge();
      await keepNewest(db, 'sync_receipts', 'received_at');
    },
    async saveComparison(missing, at) {
      await db('sync_comparisons').insert({ at, missing }).onConflict('at').merge();
      await keepNewest(db, 'sync_comparisons', 'at');
    },
  };
}

async function keepNewest(db: Database, table: string, at: string): Promise<void> {
  const last = await db(table).orderBy(at, 'desc').offset(receiptsKept).first(at);
  if (last) await db(table).where(at, '<=', last[at]).delete();
}

type EntityRow = {
  readonly entity_id: string;
  readonly bucket: number;
  readonly version: number;
  readonly digest: string;
  readonly settled_digest: string | null;
};
type SaidRow = {
  readonly entity_id: string;
  readonly version: number;
  readonly updated_at: string;
  readonly doc: string;
};

async function requeueStep(
  tx: Database,
  stream: StreamName,
  entities: readonly Pick<EdgeEntity, 'entityId' | 'version'>[],
  at: number,
): Promise<number> {
  await lockHead(tx);
  const wanted = new Map(entities.map(({ entityId, version }) => [entityId, version]));
  const stored = await tx('sync_entities')
    .where({ stream })
    .whereIn('entity_id', [...wanted.keys()])
    .whereNotNull('settled_digest')
    .select('entity_id', 'version', 'updated_at', 'hash', 'doc', 'lineage');
  const again = stored.filter((row) => wanted.get(row.entity_id) === row.version);
  if (again.length === 0) return 0;
  const lane = laneOf(stream);
  const last = await takeSeqs(tx, lane, again.length);
  // A nearly full disk takes no more of what is shed; the next comparison finds it again.
  if (last === null) return 0;
  const rows = again.map((row, index) => ({
    ...{ seq: last - again.length + 1 + index, id: newId(), stream, lane, op: 'upsert', created_at: at },
    ...{ entity_id: row.entity_id, version: row.version, parent_version: row.version - 1 },
    ...{ updated_at: row.updated_at, payload: row.doc, hash: row.hash, lineage: row.lineage },
  }));
  for (let start = 0; start < rows.length; start += 100) await tx('outbox').insert(rows.slice(start, start + 100));
  await unsettle(
    tx,
    stream,
    again.map((row) => row.entity_id),
  );
  return again.length;
}

async function noteRepair(tx: Database, stream: StreamName, core: FoundEntity, at: number): Promise<void> {
  const found = {
    core_version: core.version,
    core_updated_at: core.updatedAt,
    core_doc: core.doc ?? null,
    found_at: at,
  };
  await tx('sync_repairs')
    .insert({ stream, entity_id: core.entityId, ...found })
    .onConflict(['stream', 'entity_id'])
    .merge();
}

/** What the Core has stands, since nobody here may write over it; the shop's own version is listed beside it. */
const standsAtCore = (
  stream: StreamName,
  core: FoundEntity,
  mine: SaidRow | undefined,
): Omit<Conflict, 'at' | 'resolvedAt' | 'resolution'> => ({
  conflictId: lostVersionId(stream, core),
  kind: mine ? 'order-restored' : 'order-unknown',
  entity: ledgerEntity(stream),
  entityId: core.entityId,
  field: null,
  winner: { text: core.doc ?? `{"version":${core.version}}`, at: core.updatedAt, who: 'Core' },
  loser: { text: mine?.doc.slice(0, ledgerTextMaxChars) ?? '', at: (mine?.updated_at as Hlc) ?? null, who: '' },
});
