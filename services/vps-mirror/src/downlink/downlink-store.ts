import type { Database } from '@sgp/service-kit/database';
import { newId } from '@sgp/service-kit/ids';
import type { ChangesAsk, ChangesClaims, DownChange } from '@sgp/shared/sync-downlink';
import type { Purger } from '../housekeeping.ts';
import { mirrorLimits } from '../mirror-limits.ts';
import { type DownEntry, lockCompany, writeDown } from './down-changes.ts';
import { type Cursor, type Head, type Position, positionOf } from './down-position.ts';
import { forgetAcknowledged } from './downlink-retention.ts';
import { noteParked } from './parked-down.ts';

export type Establishment = { readonly companyId: string; readonly establishmentId: string };

/** Where an establishment's downlink stands for one call. */
export type DownPosition = Pick<ChangesClaims, 'coreEpoch' | 'after'>;
/** How a call was placed; `present` is the ordinary one. */
export type Placed = DownPosition & { readonly kind: Position['kind'] };

export type DownlinkStore = Purger & {
  /** Takes note of what the edge has and parked, and finds the position from which it is answered. */
  open(ask: ChangesAsk, nowMs: number): Promise<Placed>;
  /**
   * What follows a position: at most 500 changes, and at most `downAnswerMaxBytes` of content or one change. That they are
   * told is stored first. Nothing, when another call began a new numbering meanwhile.
   */
  read(ask: ChangesAsk, position: DownPosition): Promise<Pick<ChangesClaims, 'head' | 'changes'>>;
};

export type DownlinkStoreDeps = {
  readonly db: Database;
  /** All that an establishment must know of its company. */
  readonly everything: (tx: Database, establishment: Establishment, nowMs: number) => Promise<readonly DownEntry[]>;
};

export function createDownlinkStore({ db, everything }: DownlinkStoreDeps): DownlinkStore {
  const place = async (tx: Database, ask: ChangesAsk, head: Head, nowMs: number) => {
    const cursor = await cursorOf(tx, ask.nodeId);
    const position = positionOf(head, cursor, ask);
    if (position.kind === 'present') await moveCursor(tx, ask, { head, cursor, after: position.after }, nowMs);
    return { position, cursor };
  };
  return {
    async open(ask, nowMs) {
      const placed = await db.transaction(async (tx) => {
        await headOf(tx, ask, nowMs, everything);
        // Shared: nobody begins a new numbering while this call is placed in the present one.
        const head = toHead(await tx('downlink_heads').where(keyOf(ask)).forShare().first());
        await noteParked(tx, ask, nowMs);
        return { head, ...(await place(tx, ask, head, nowMs)) };
      });
      const { position, head } = placed;
      if (position.kind === 'present') return { kind: 'present', coreEpoch: head.epoch, after: position.after };
      return db.transaction(async (tx) => {
        await lockCompany(tx, ask.companyId);
        const present = toHead(await tx('downlink_heads').where(keyOf(ask)).forUpdate().first());
        const again = await place(tx, ask, present, nowMs);
        if (again.position.kind === 'present')
          return { kind: 'present', coreEpoch: present.epoch, after: again.position.after };
        const next = await begin(tx, ask, { head: present, position: again.position, everything }, nowMs);
        await moveCursor(tx, ask, { head: next.head, cursor: again.cursor, after: next.after }, nowMs);
        return { kind: again.position.kind, coreEpoch: next.head.epoch, after: next.after };
      });
    },
    async read(ask, { coreEpoch, after }) {
      const of = keyOf(ask);
      const quick = await db('downlink_heads').where(of).first('seq', 'core_epoch');
      if (quick?.core_epoch !== coreEpoch || quick.seq <= after)
        return { head: Math.max(quick?.core_epoch === coreEpoch ? quick.seq : 0, after), changes: [] };
      return db.transaction(async (tx) => {
        const head = toHead(await tx('downlink_heads').where(of).forShare().first());
        if (head.epoch !== coreEpoch) return { head: after, changes: [] };
        const rows: readonly Row[] = await tx('downlink')
          .where(of)
          .where('seq', '>', after)
          .orderBy('seq')
          .limit(mirrorLimits.downAnswerMaxChanges)
          .select('*');
        const changes = upToBytes(rows).map(toChange);
        const last = changes.at(-1)?.seq ?? after;
        await tx('downlink_cursors')
          .where({ node_id: ask.nodeId, core_epoch: coreEpoch })
          .where('offered_seq', '<', last)
          .update({ offered_seq: last });
        return { head: Math.max(head.seq, last), changes };
      });
    },
    purge: (nowMs) => forgetAcknowledged(db, nowMs),
  };
}

const keyOf = ({ companyId, establishmentId }: Establishment) => ({
  company_id: companyId,
  establishment_id: establishmentId,
});

type HeadRow = { readonly core_epoch: string; readonly seq: number; readonly floor: number };
const toHead = ({ core_epoch: epoch, seq, floor }: HeadRow): Head => ({ epoch, seq, floor });

async function cursorOf(tx: Database, nodeId: string): Promise<Cursor | null> {
  const row = await tx('downlink_cursors').where({ node_id: nodeId }).forUpdate().first();
  if (!row) return null;
  const former = row.former_epoch === null ? null : { epoch: row.former_epoch, common: row.common_seq };
  return { epoch: row.core_epoch, offered: row.offered_seq, former };
}

/** The node has everything up to `after`; in which numbering it asked stays known until it asks in the present one. */
async function moveCursor(
  tx: Database,
  ask: ChangesAsk,
  { head, cursor, after }: { readonly head: Head; readonly cursor: Cursor | null; readonly after: number },
  nowMs: number,
): Promise<void> {
  const isThere = ask.coreEpoch === head.epoch;
  await tx('downlink_cursors')
    .insert({
      ...keyOf(ask),
      node_id: ask.nodeId,
      core_epoch: head.epoch,
      acked_seq: after,
      offered_seq: cursor?.epoch === head.epoch ? Math.max(cursor.offered, after) : after,
      former_epoch: isThere ? null : ask.coreEpoch,
      common_seq: isThere ? 0 : after,
      asked_at: nowMs,
    })
    .onConflict('node_id')
    .merge();
}

/** Begins a new numbering, under the company's lock. */
async function begin(
  tx: Database,
  ask: Establishment,
  {
    head,
    position,
    everything,
  }: {
    readonly head: Head;
    readonly position: Exclude<Position, { readonly kind: 'present' }>;
    readonly everything: DownlinkStoreDeps['everything'];
  },
  nowMs: number,
): Promise<{ readonly head: Head; readonly after: number }> {
  const of = keyOf(ask);
  const epoch = newId();
  if (position.kind === 'restored') {
    await tx('downlink_heads').where(of).update({ core_epoch: epoch });
    return { head: { ...head, epoch }, after: position.after };
  }
  await tx('downlink').where(of).delete();
  await tx('downlink_heads').where(of).update({ core_epoch: epoch, seq: 0, floor: 0 });
  // To the other nodes of the establishment the old numbers mean nothing any more: they hear everything again, too.
  await tx('downlink_cursors')
    .where(of)
    .update({ core_epoch: epoch, acked_seq: 0, offered_seq: 0, former_epoch: null, common_seq: 0 });
  await writeEverything(tx, ask, everything, nowMs);
  return { head: toHead(await tx('downlink_heads').where(of).first()), after: 0 };
}

async function writeEverything(
  tx: Database,
  { companyId, establishmentId }: Establishment,
  everything: DownlinkStoreDeps['everything'],
  nowMs: number,
): Promise<void> {
  const entries = await everything(tx, { companyId, establishmentId }, nowMs);
  await writeDown(
    tx,
    companyId,
    entries.map((entry) => ({ ...entry, to: [establishmentId] })),
    nowMs,
  );
}

/** Makes an establishment known that was never heard of, with all that its company has. */
export async function headOf(
  tx: Database,
  establishment: Establishment,
  nowMs: number,
  everything: DownlinkStoreDeps['everything'],
): Promise<void> {
  const of = keyOf(establishment);
  if (await tx('downlink_heads').where(of).first('seq')) return;
  await lockCompany(tx, establishment.companyId);
  const added = await tx('downlink_heads')
    .insert({ ...of, core_epoch: newId(), seq: 0, floor: 0 })
    .onConflict(['company_id', 'establishment_id'])
    .ignore()
    .returning('seq');
  if (added.length > 0) await writeEverything(tx, establishment, everything, nowMs);
}

type Row = {
  readonly seq: number;
  readonly change_id: string;
  readonly stream: string;
  readonly entity_id: string;
  readonly version: number;
  readonly updated_at: string;
  readonly hash: string;
  readonly doc: string;
};

const toChange = (row: Row): DownChange =>
  ({
    seq: row.seq,
    id: row.change_id,
    stream: row.stream,
    entityId: row.entity_id,
    version: row.version,
    updatedAt: row.updated_at,
    hash: row.hash,
    payload: JSON.parse(row.doc),
  }) as DownChange;

function upToBytes(rows: readonly Row[]): readonly Row[] {
  let bytes = 0;
  const end = rows.findIndex(({ doc }) => {
    bytes += Buffer.byteLength(doc);
    return bytes > mirrorLimits.downAnswerMaxBytes;
  });
  return end < 0 ? rows : rows.slice(0, Math.max(1, end));
}
