import { limits } from '@sgp/shared/limits';
import type { CoreEntity, EdgeEntity, Listing, Unknowns } from './compare-state.ts';
import { differingShorts, shortOf } from './digest.ts';

/** What the listings of both sides say about the entities of a few buckets. */

type Narrowed = {
  /** Settled entities of the edge that the Core does not list. */
  readonly notListed: readonly EdgeEntity[];
  /** What the Core lists and the edge does not know, in portions of one question. */
  readonly unknowns: readonly Unknowns[];
  /** Buckets in which both list the same and nothing is open: there the sums themselves are wrong. */
  readonly recount: readonly number[];
};

export function narrowListing(
  buckets: readonly number[],
  edge: readonly EdgeEntity[],
  listed: readonly Listing[],
): Narrowed {
  const byBucket = Map.groupBy(edge, ({ bucket }) => bucket);
  const notListed: EdgeEntity[] = [];
  const unknowns: Unknowns[] = [];
  const recount: number[] = [];
  const size = limits.syncCompareUnknownPerAsk;
  // A bucket that the answer leaves out says nothing: it is not taken for an empty one.
  for (const { bucket, digests } of listed.filter((each) => buckets.includes(each.bucket))) {
    const here = byBucket.get(bucket) ?? [];
    const settled = new Map(here.filter(({ open }) => !open).map((each) => [shortOf(each.digest), each]));
    const { onlyMine, onlyTheirs } = differingShorts([...settled.keys()], digests);
    notListed.push(...onlyMine.flatMap((short) => settled.get(short) ?? []));
    for (let i = 0; i < onlyTheirs.length; i += size) unknowns.push({ bucket, digests: onlyTheirs.slice(i, i + size) });
    if (onlyMine.length + onlyTheirs.length === 0 && !here.some(({ open }) => open)) recount.push(bucket);
  }
  return { notListed, unknowns, recount };
}

type Differences = {
  readonly requeue: readonly Pick<EdgeEntity, 'entityId' | 'version'>[];
  readonly repair: readonly { readonly edgeVersion: number; readonly core: CoreEntity }[];
  readonly unknown: readonly CoreEntity[];
};

/**
 * What is to be done about the differences of a few buckets. What is on its way is left out: its acknowledgement will tell.
 * @param answers what the Core's unknown digests stand for
 */
export function differences({
  edge,
  notListed,
  answers,
}: {
  readonly edge: readonly EdgeEntity[];
  readonly notListed: readonly EdgeEntity[];
  readonly answers: readonly CoreEntity[];
}): Differences {
  const byId = new Map(edge.map((each) => [each.entityId, each]));
  const requeue = new Map(notListed.map(({ entityId, version }) => [entityId, { entityId, version }]));
  const repair: Differences['repair'][number][] = [];
  const unknown: CoreEntity[] = [];
  for (const { entityId, version, updatedAt } of answers) {
    const core = { entityId, version, updatedAt };
    const mine = byId.get(entityId);
    if (mine === undefined) unknown.push(core);
    else if (!mine.open && version >= mine.version) {
      requeue.delete(entityId);
      repair.push({ edgeVersion: mine.version, core });
    }
  }
  return { requeue: [...requeue.values()], repair, unknown };
}
