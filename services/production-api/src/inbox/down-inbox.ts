import { sha256Hex } from '@sgp/auth/digest';
import type { Database } from '@sgp/service-kit/database';
import { canonicalJson } from '@sgp/shared/canonical-json';
import type { Hlc } from '@sgp/shared/clock';
import { limits } from '@sgp/shared/limits';
import type { ChangesAsk, DownChange, DownStream } from '@sgp/shared/sync-downlink';
import { downPayloadSchemas } from '@sgp/shared/sync-payloads';
import type { DownEffect, DownPosition, ParkedDown } from '@sgp/sync-engine/downlink-state';
import { type DownRow, decide } from '@sgp/sync-engine/inbox-down';
import type { ParkReason } from '@sgp/sync-engine/ports';
import type * as z from 'zod';
import type { HlcStore } from '../outbox/hlc-store.ts';
import { inTurn } from '../streams/say.ts';

/** What an answer of the Core is, once its signature holds: the effect `apply` of the downlink. */
export type DownStep = Pick<Extract<DownEffect, { readonly type: 'apply' }>, 'from' | 'to' | 'changes'>;
export type Applied = { readonly position: DownPosition; readonly parked: readonly ParkedDown[] };

/** The edge's end of the downlink. It looks at no signature: who calls it has done so. */
export type DownInbox = {
  cursor(): Promise<DownPosition & { readonly lastAnswerAt: number | null }>;
  /**
   * Applies or parks each change, and moves the position, in one transaction. Where the stored position is not `from`, an
   * earlier call was committed unheard: then nothing happens, and the stored position is the answer.
   */
  apply(step: DownStep): Promise<Applied>;
  /** What could not be applied and the Core does not know of yet, oldest first. */
  untold(): Promise<readonly ParkedDown[]>;
  told(parked: readonly Pick<ParkedDown, 'id'>[]): Promise<void>;
  /**
   * Applies a change that was set aside, now that the shop may have made room for it.
   * @param note written in the same transaction, when it fits
   * @returns why it still does not fit; null: it is applied; undefined: nothing of this entity is set aside
   */
  retry(
    stream: DownStream,
    entityId: string,
    note: (tx: Database, parked: { readonly version: number; readonly code: string }) => Promise<void>,
  ): Promise<ParkReason | null | undefined>;
  /** What was applied by trying again and the Core does not know of yet. */
  retried(): Promise<NonNullable<ChangesAsk['applied']>>;
  retriedTold(applied: NonNullable<ChangesAsk['applied']>): Promise<void>;
};

type DownPayload = { readonly [S in DownStream]: z.infer<(typeof downPayloadSchemas)[S]> };
/** Takes the whole entity in. What does not fit the rules of the shop is answered with a reason, before anything is written. */
export type DownHandlers = {
  readonly [S in DownStream]: (tx: Database, payload: DownPayload[S], nowMs: number) => Promise<ParkReason | null>;
};

export type DownInboxDeps = {
  readonly db: Database;
  readonly hlc: Pick<HlcStore, 'observe'>;
  readonly handlers: DownHandlers;
  /** Locks that handlers need, taken before anything else. */
  readonly lock: (tx: Database) => Promise<void>;
  readonly now: () => number;
};

export function createDownInbox({ db, hlc, handlers, lock, now }: DownInboxDeps): DownInbox {
  const read = async (tx: Database) => {
    const row = await tx('inbox_cursor').where({ id: 1 }).first();
    const position: DownPosition = { coreEpoch: row.core_epoch, cursor: row.cursor, signedAtS: row.signed_at_s };
    return { ...position, lastAnswerAt: row.last_answer_at as number | null };
  };

  const take = async (tx: Database, change: TakenChange, coreEpoch: string): Promise<ParkReason | null> => {
    const { stream, entityId, version, updatedAt, hash } = change;
    const row = await tx('inbox_entities').where({ stream, entity_id: entityId }).first();
    const decision = decide(row ? toDownRow(row) : null, { version, updatedAt, hash, coreEpoch });
    if (decision.outcome === 'parked')
      return decision.reason ?? { code: 'VERSION_CONFLICT', detail: 'it does not follow what is here' };
    if (decision.outcome !== 'applied') return null;
    const fault = await handle(tx, handlers, change, now());
    if (fault !== null) return fault;
    await tx('inbox_entities')
      .insert({ stream, entity_id: entityId, core_epoch: coreEpoch, version, updated_at: updatedAt, hash })
      .onConflict(['stream', 'entity_id'])
      .merge();
    await tx('inbox_parked').where({ stream, entity_id: entityId }).delete();
    return null;
  };

  return {
    cursor: () => read(db),
    apply: ({ from, to, changes }) =>
      inTurn(db, async (tx) => {
        await lock(tx);
        const stored = await read(tx);
        if (stored.cursor !== from.cursor || stored.coreEpoch !== from.coreEpoch)
          return { position: toPosition(stored), parked: [] };
        const seen = newest(changes);
        if (seen !== null) await hlc.observe(tx, seen);
        const parked: ParkedDown[] = [];
        for (const change of changes) {
          const fault = await take(tx, change, to.coreEpoch ?? '');
          if (fault !== null && (await park(tx, change, fault, to, now()))) parked.push(toParked(change, fault));
        }
        await tx('inbox_cursor')
          .where({ id: 1 })
          .update({ core_epoch: to.coreEpoch, cursor: to.cursor, signed_at_s: to.signedAtS, last_answer_at: now() });
        return { position: to, parked };
      }),
    async untold() {
      const rows = await db('inbox_parked').whereNull('told_at').orderBy('parked_at').orderBy('seq');
      return rows.map(({ seq, id, code, detail }) => ({ seq, id, code, detail }));
    },
    async told(parked) {
      const ids = parked.map(({ id }) => id);
      await db('inbox_parked').whereIn('id', ids).whereNull('told_at').update({ told_at: now() });
    },
    retry: (stream, entityId, note) =>
      inTurn(db, async (tx) => {
        await lock(tx);
        const parked: ParkedRow | undefined = await tx('inbox_parked').where({ stream, entity_id: entityId }).first();
        if (!parked) return undefined;
        const { version, updated_at: updatedAt, hash, code } = parked;
        const payload = JSON.parse(parked.payload) as DownChange['payload'];
        const fault = await take(tx, { stream, entityId, version, updatedAt, hash, payload }, parked.core_epoch);
        if (fault === null) {
          await tx('inbox_parked').where({ stream, entity_id: entityId }).delete();
          const row = { stream, entity_id: entityId, version };
          await tx('inbox_retried').insert(row).onConflict(['stream', 'entity_id']).merge();
          await note(tx, { version, code });
        }
        return fault;
      }),
    async retried() {
      const rows = await db('inbox_retried').orderBy(['stream', 'entity_id']).limit(limits.downlinkParkedPerAskMax);
      return rows.map(({ stream, entity_id: entityId, version }) => ({ stream, entityId, version }));
    },
    async retriedTold(applied) {
      for (const { stream, entityId, version } of applied)
        await db('inbox_retried').where({ stream, entity_id: entityId, version }).delete();
    },
  };
}

const toPosition = ({ coreEpoch, cursor, signedAtS }: DownPosition): DownPosition => ({ coreEpoch, cursor, signedAtS });

const newest = (changes: readonly DownChange[]): Hlc | null =>
  changes.reduce<Hlc | null>((last, { updatedAt }) => (last === null || updatedAt > last ? updatedAt : last), null);

type TakenChange = Pick<DownChange, 'stream' | 'entityId' | 'version' | 'updatedAt' | 'hash' | 'payload'>;
type ParkedRow = {
  readonly version: number;
  readonly updated_at: Hlc;
  readonly hash: string;
  readonly core_epoch: string;
  readonly code: string;
  readonly payload: string;
};

type EntityRow = {
  readonly version: number;
  readonly updated_at: Hlc;
  readonly hash: string;
  readonly core_epoch: string;
};
const toDownRow = (row: EntityRow): DownRow => ({
  version: row.version,
  updatedAt: row.updated_at,
  hash: row.hash,
  coreEpoch: row.core_epoch,
});

const detailMaxChars = 500;
const toParked = ({ seq, id }: DownChange, { code, detail }: ParkReason): ParkedDown => ({
  seq,
  id,
  code,
  detail: detail.slice(0, detailMaxChars),
});

/** Checks what came against its schema and hands it on. */
function handle(
  tx: Database,
  handlers: DownHandlers,
  { stream, entityId, hash, payload }: TakenChange,
  nowMs: number,
): Promise<ParkReason | null> | ParkReason {
  if (sha256Hex(canonicalJson(payload)) !== hash)
    return { code: 'DIGEST_MISMATCH', detail: 'the payload is not the one that the hash was taken over' };
  const parsed = downPayloadSchemas[stream].safeParse(payload);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return { code: 'BODY_INVALID', detail: `${issue?.path.join('.')}: ${issue?.message}` };
  }
  if (idOf[stream](parsed.data as never) !== entityId)
    return { code: 'BODY_INVALID', detail: `the payload is of another entity than ${entityId}` };
  return handlers[stream](tx, parsed.data as never, nowMs);
}

const idOf: { readonly [S in DownStream]: (payload: DownPayload[S]) => string } = {
  blocks: ({ entityId }) => entityId,
  catalogue: ({ entityId }) => entityId,
  users: ({ userId }) => userId,
  transfers: ({ transferId }) => transferId,
  conflicts: ({ conflictId }) => conflictId,
};

/**
 * Keeps the newest change of an entity that does not fit.
 * @returns whether it is news
 */
async function park(
  tx: Database,
  change: DownChange,
  { code, detail }: ParkReason,
  { coreEpoch }: Pick<DownPosition, 'coreEpoch'>,
  at: number,
): Promise<boolean> {
  const key = { stream: change.stream, entity_id: change.entityId };
  const known = await tx('inbox_parked').where(key).first('version', 'id');
  if (known && (known.id === change.id || known.version > change.version)) return false;
  const row = {
    ...key,
    id: change.id,
    seq: change.seq,
    version: change.version,
    updated_at: change.updatedAt,
    hash: change.hash,
    core_epoch: coreEpoch ?? '',
    code,
    detail: detail.slice(0, detailMaxChars),
    payload: canonicalJson(change.payload),
    parked_at: at,
    told_at: null,
  };
  await tx('inbox_parked').insert(row).onConflict(['stream', 'entity_id']).merge();
  return true;
}
