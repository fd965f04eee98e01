import assert from 'node:assert/strict';
import type { ChangeResult } from '@sgp/shared/sync';
import { decide, type InboxDecision, type InboxRow } from '@sgp/sync-engine/inbox';
import { isOverwrite } from '@sgp/sync-engine/lineage';
import type { CheckedChange, GoodChange, ParkReason } from './check-change.ts';
import type { EntityRows, WriteTimes, WrittenRow } from './entity-rows.ts';

export type ParkedChange = { readonly change: GoodChange['change']; readonly reason: ParkReason };
export type AppliedBatch = {
  /** One result for each change, in the batch's order. */
  readonly results: readonly ChangeResult[];
  readonly applied: readonly GoodChange[];
  readonly parked: readonly ParkedChange[];
  /** Each row that was written, with what it replaced. */
  readonly written: readonly WrittenRow[];
  /** Changes that took the place of a row which their writer did not know. */
  readonly overwriting: readonly GoodChange[];
};

export type ApplyRules = WriteTimes & {
  /** False when the node's licence is restricted: progress of known orders still goes in. */
  readonly newOnesAllowed: boolean;
  /** `append`: what is there stays as it is, whatever comes. */
  readonly kind: 'state' | 'append';
};

/**
 * Applies checked changes with one statement. Of several versions of one entity only the newest is written; the others are
 * decided against what stands after it, exactly as if they had come later (`decideBatch` of the sync engine is the law).
 */
export async function applyBatch(
  rows: EntityRows,
  checked: readonly CheckedChange[],
  rules: ApplyRules,
): Promise<AppliedBatch> {
  const good = checked.filter((each) => each.ok);
  const refused = rules.newOnesAllowed ? new Set<string>() : await unknownEntities(rows, good);
  const { verdicts, written, overwriting } = await applyGood(
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
  return { results, applied, parked, written, overwriting };
}

const restricted: ParkReason = { code: 'LICENSE_RESTRICTED', detail: 'the licence takes no new orders now' };
const idOf = ({ change }: GoodChange): string => change.entityId;

async function applyGood(rows: EntityRows, good: readonly GoodChange[], rules: ApplyRules) {
  const verdicts = new Map<unknown, InboxDecision>();
  const written: WrittenRow[] = [];
  const overwriting: GoodChange[] = [];
  const judge = rules.kind === 'append' ? decideAppended : decide;
  let open = good;
  // One round is enough unless the newest version of an entity is itself in conflict: then its forerunner is tried.
  while (open.length > 0) {
    const newest = newestOfEach(open);
    const round = await rows.write(newest, rules);
    written.push(...round.values());
    for (const each of newest) {
      const row = round.get(idOf(each));
      if (row === undefined) continue;
      verdicts.set(each, { outcome: 'applied' });
      if (isOverwrite(each.change.lineage, row.before)) overwriting.push(each);
    }
    const first = new Set(newest);
    const due = open.filter((each) => !verdicts.has(each) && (first.has(each) || round.has(idOf(each))));
    const standing = await rows.standing([...new Set(due.map(idOf))]);
    for (const each of due) {
      const decision = judge(standing.get(idOf(each)) ?? null, each.change);
      assert(decision.outcome !== 'applied', 'what the database did not write is not called applied');
      verdicts.set(each, decision);
    }
    open = open.filter((each) => !verdicts.has(each));
  }
  return { verdicts, written, overwriting };
}

/** What was appended is never written again: anything but the same content is an alarm. */
function decideAppended(row: InboxRow | null, change: InboxRow): InboxDecision {
  if (row?.version === change.version && row.hash === change.hash) return { outcome: 'duplicate' };
  const detail = `this entry is here already with another content (version ${row?.version})`;
  return row === null ? { outcome: 'applied' } : { outcome: 'parked', reason: { code: 'VERSION_CONFLICT', detail } };
}

async function unknownEntities(rows: EntityRows, good: readonly GoodChange[]): Promise<ReadonlySet<string>> {
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
