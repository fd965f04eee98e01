import { type Database, isPostgres } from '@sgp/service-kit/database';
import { type Lane, lanes } from '@sgp/shared/sync';

/** Counts of the outbox, moved in the transactions that change its rows: counting a million rows would cost more than sending them. */
export type OutboxCounts = {
  readonly openByLane: Readonly<Record<Lane, number>>;
  readonly parked: number;
  /** Changes of lane 3 that were refused or dropped because the disk was nearly full. */
  readonly shed: number;
  readonly shedding: boolean;
};

export type HeadMove = {
  /** Rows that became open, by lane; below 0: that are open no more. */
  readonly open?: Partial<Record<Lane, number>>;
  readonly parked?: number;
  readonly shed?: number;
};

const openColumn = (lane: Lane): string => `open_lane${lane}`;

export async function readCounts(db: Database): Promise<OutboxCounts> {
  const row = await db('outbox_head').where({ id: 1 }).first();
  return {
    openByLane: Object.fromEntries(lanes.map((lane) => [lane, row[openColumn(lane)]])) as OutboxCounts['openByLane'],
    parked: row.parked,
    shed: row.shed,
    shedding: Boolean(row.shedding),
  };
}

/**
 * Takes the lock under which the outbox is written. Everything that writes it takes this one first, so that no two
 * transactions wait for each other; SQLite's transactions hold its only write lock anyway.
 */
export async function lockHead(tx: Database): Promise<void> {
  if (isPostgres(tx)) await tx('outbox_head').where({ id: 1 }).forUpdate().first('id');
}

/**
 * Reserves the next numbers for changes that become open. Locks the counter until the commit, so that numbers become
 * visible in their order: a sender that sees 8 will never meet 7 later.
 * @returns the last of them; null when the disk is nearly full and the lane is the one that is shed
 */
export async function takeSeqs(tx: Database, lane: Lane, count: number): Promise<number | null> {
  const head = tx('outbox_head').where({ id: 1 });
  if (lane === 3) void head.where({ shedding: false });
  const [row] = await head
    .update({
      last_seq: tx.raw('last_seq + ?', [count]),
      [openColumn(lane)]: tx.raw('?? + ?', [openColumn(lane), count]),
    })
    .returning('last_seq');
  return row?.last_seq ?? null;
}

export async function moveHead(tx: Database, { open = {}, parked = 0, shed = 0 }: HeadMove): Promise<void> {
  const moves = [
    ...lanes.map((lane) => [openColumn(lane), open[lane] ?? 0] as const),
    ['parked', parked],
    ['shed', shed],
  ] as const;
  const changed = moves.filter(([, by]) => by !== 0);
  if (changed.length === 0) return;
  await tx('outbox_head')
    .where({ id: 1 })
    .update(Object.fromEntries(changed.map(([column, by]) => [column, tx.raw('?? + ?', [column, by])])));
}
