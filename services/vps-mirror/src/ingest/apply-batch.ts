import assert from 'node:assert/strict';
import type { ChangeResult } from '@sgp/shared/sync';
import { decide, type InboxDecision } from '@sgp/sync-engine/inbox';
import type { CheckedChange, GoodChange, ParkReason } from './check-change.ts';
import type { OrderRows } from './order-upsert.ts';

export type ParkedChange = { readonly change: GoodChange['change']; readonly reason: ParkReason };
export type AppliedBatch = {
  /** One result for each change, in the batch's order. */
  readonly results: readonly ChangeResult[];
  readonly applied: readonly GoodChange[];
  readonly parked: readonly ParkedChange[];
};

export type ApplyRules = {
  /** False when the node's licence is restricted: progress of known orders still goes in. */
  readonly newOrdersAllowed: boolean;
  readonly batchId: string;
  readonly receivedAt: number;
};

/**
 * Applies checked changes with one upsert. Of several versions of one order only the newest is written; the others are
 * decided against what stands after it, exactly as if they had come later (`decideBatch` of the sync engine is the law).
 */
export async function applyBatch(
  rows: OrderRows,
  checked: readonly CheckedChange[],
  rules: ApplyRules,
): Promise<AppliedBatch> {
  const good = checked.filter((each) => each.ok);
  const refused = rules.newOrdersAllowed ? new Set<string>() : await unknownOrders(rows, good);
  const verdicts = await applyGood(
    rows,
    good.filter((each) => !refused.has(idOf(each))),
    rules,
  );

  const applied: GoodChange[] = [];
  const parked: ParkedChange[] = [];
  const results = checked.map((each): ChangeResult => {
    const { seq, id } = each.change;
    const verdict = verdicts.get(each) ?? { outcome: 'parked', reason: each.ok ? restricted : each.reason };
    if (verdict.reason) parked.push({ change: each.change, reason: verdict.reason });
    if (verdict.outcome === 'applied' && each.ok) applied.push(each);
    return { seq, id, ...verdict };
  });
  return { results, applied, parked };
}

const restricted: ParkReason = { code: 'LICENSE_RESTRICTED', detail: 'the licence takes no new orders now' };
const idOf = ({ change }: GoodChange): string => change.entityId;

async function applyGood(
  rows: OrderRows,
  good: readonly GoodChange[],
  rules: ApplyRules,
): Promise<ReadonlyMap<unknown, InboxDecision>> {
  const verdicts = new Map<unknown, InboxDecision>();
  let open = good;
  // One round is enough unless the newest version of an order is itself in conflict: then its forerunner is tried.
  while (open.length > 0) {
    const newest = newestOfEach(open);
    const written = await rows.upsertNewer(newest, rules.batchId, rules.receivedAt);
    for (const each of newest) if (written.has(idOf(each))) verdicts.set(each, { outcome: 'applied' });
    const first = new Set(newest);
    const due = open.filter((each) => !verdicts.has(each) && (first.has(each) || written.has(idOf(each))));
    const standing = await rows.standing([...new Set(due.map(idOf))]);
    for (const each of due) {
      const decision = decide(standing.get(idOf(each)) ?? null, each.change);
      assert(decision.outcome !== 'applied', 'what the database did not write is not called applied');
      verdicts.set(each, decision);
    }
    open = open.filter((each) => !verdicts.has(each));
  }
  return verdicts;
}

async function unknownOrders(rows: OrderRows, good: readonly GoodChange[]): Promise<ReadonlySet<string>> {
  const ids = new Set(good.map(idOf));
  const known = await rows.standing([...ids]);
  return new Set([...ids].filter((id) => !known.has(id)));
}

type Order = Pick<GoodChange['change'], 'version' | 'seq'>;
/** The newest version first; of two with one version the one that was made first. */
const precedes = (a: Order, b: Order): boolean => a.version > b.version || (a.version === b.version && a.seq < b.seq);

function newestOfEach(changes: readonly GoodChange[]): readonly GoodChange[] {
  const newest = new Map<string, GoodChange>();
  for (const each of changes) {
    const before = newest.get(idOf(each));
    if (!before || precedes(each.change, before.change)) newest.set(idOf(each), each);
  }
  return [...newest.values()];
}
