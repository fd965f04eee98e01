import { createHash } from 'node:crypto';
import type { StreamName } from '@sgp/shared/sync';
import type { DigestAnswer, StreamDigest } from '@sgp/shared/sync-digest';
import { compare, initialCompare } from '@sgp/sync-engine/compare';
import type {
  CompareEffect,
  CompareEvent,
  CompareOutcome,
  CompareState,
  DigestQuestion,
  EdgeEntity,
} from '@sgp/sync-engine/compare-state';
import {
  bucketOf,
  createDigestDelta,
  createDigestTree,
  type DigestTree,
  encodeSum,
  entityDigest,
  shortOf,
} from '@sgp/sync-engine/digest';
import { entity, stamp } from './support.ts';

/** Both sides of a comparison in memory: the edge's store, and the Core as its contract says it answers. */

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** One side's entities of a stream, with their digests by bucket, as both stores keep them. */
export type Row = EdgeEntity & { readonly hash: string };
export function sideOf(entities: readonly { readonly n: number; readonly version: number; readonly open?: boolean }[]) {
  const rows = entities.map(({ n, version, open = false }): Row => {
    const [entityId, hash] = [entity(n), `${n}:${version}`];
    const digest = entityDigest(sha256, { entityId, version, hash });
    return { entityId, bucket: bucketOf(sha256, entityId), version, digest, open, hash };
  });
  const delta = createDigestDelta();
  for (const { bucket, digest, open } of rows) if (!open) delta.add(bucket, digest);
  const byBucket = Map.groupBy(rows, ({ bucket }) => bucket);
  return { rows, stored: delta.entries(), tree: createDigestTree(delta.entries()), byBucket };
}
export type Side = ReturnType<typeof sideOf>;

export const streamDigest = (stream: StreamName, tree: DigestTree): StreamDigest => {
  const { sum, rows } = tree.root();
  return { stream, rows, root: encodeSum(sum), newest: null };
};

/** The Core's half, as its contract says. */
export function answerOf(core: ReadonlyMap<StreamName, Side>, question: DigestQuestion): DigestAnswer {
  const of = (stream: StreamName) => core.get(stream) ?? sideOf([]);
  if (question.level === 'roots') {
    const differ = question.streams.filter(({ stream, root }) => streamDigest(stream, of(stream).tree).root !== root);
    return {
      level: 'roots',
      differ: differ.map(({ stream }) => stream),
      ...(differ.length === 0 && { receipt: 'signed' }),
    };
  }
  const { tree, byBucket } = of(question.stream);
  if (question.level === 'groups') return { level: 'groups', sums: tree.groups().map(encodeSum) };
  if (question.level === 'buckets')
    return {
      level: 'buckets',
      groups: question.groups.map((group) => ({ group, sums: tree.buckets(group).map(encodeSum) })),
    };
  if (question.level === 'entities')
    return {
      level: 'entities',
      buckets: question.buckets.map((bucket) => ({
        bucket,
        digests: (byBucket.get(bucket) ?? []).map(({ digest }) => shortOf(digest)),
      })),
    };
  const asked = new Set(question.digests);
  return {
    level: 'unknown',
    entities: (byBucket.get(question.bucket) ?? [])
      .filter(({ digest }) => asked.has(shortOf(digest)))
      .map(({ digest, entityId, version }) => ({
        digest: shortOf(digest),
        entityId,
        version,
        updatedAt: stamp(version),
      })),
  };
}

type Result = {
  readonly requeued: readonly string[];
  readonly repaired: readonly string[];
  readonly unknown: readonly string[];
  readonly recounted: readonly number[];
  readonly receipts: number;
  readonly outcome: CompareOutcome;
  readonly asks: number;
  readonly askBytes: number;
  readonly answerBytes: number;
};

/** Runs one comparison. `spoil` gives another event for the nth reply. */
export function run(
  edge: ReadonlyMap<StreamName, Side>,
  core: ReadonlyMap<StreamName, Side>,
  spoil: (n: number, event: CompareEvent) => readonly CompareEvent[] = (_n, event) => [event],
): Result {
  const result = {
    requeued: [] as string[],
    repaired: [] as string[],
    unknown: [] as string[],
    recounted: [] as number[],
    receipts: 0,
    outcome: null as CompareOutcome | null,
    asks: 0,
    askBytes: 0,
    answerBytes: 0,
  };
  let replies = 0;
  const reply = (effect: CompareEffect): CompareEvent | null => {
    const side = 'stream' in effect ? (edge.get(effect.stream) ?? sideOf([])) : sideOf([]);
    const name = ({ entityId, version }: { entityId: string; version: number }) => `${entityId}/${version}`;
    switch (effect.type) {
      case 'read-roots': {
        const roots = [...edge].map(([stream, { tree }]) => streamDigest(stream, tree));
        return { type: 'roots-read', round: effect.round, roots };
      }
      case 'read-tree':
        return { type: 'tree-read', round: effect.round, buckets: side.stored };
      case 'read-entities': {
        const entities = effect.buckets.flatMap((bucket) => side.byBucket.get(bucket) ?? []);
        return { type: 'entities-read', round: effect.round, entities };
      }
      case 'ask': {
        const answer = answerOf(core, effect.question);
        result.asks += 1;
        result.askBytes += JSON.stringify(effect.question).length;
        result.answerBytes += JSON.stringify(answer).length;
        return { type: 'answered', round: effect.round, answer };
      }
      case 'requeue':
        result.requeued.push(...effect.entities.map(name));
        return null;
      case 'repair':
        result.repaired.push(...effect.entities.map(({ core: each }) => name(each)));
        return null;
      case 'unknown':
        result.unknown.push(...effect.entities.map(name));
        return null;
      case 'recount':
        result.recounted.push(...effect.buckets);
        return null;
      case 'receipt':
        result.receipts += 1;
        return null;
      case 'ended':
        result.outcome = effect.outcome;
        return null;
    }
  };
  let state: CompareState = initialCompare;
  const events: CompareEvent[] = [{ type: 'start' }];
  for (let event = events.shift(); event !== undefined; event = events.shift()) {
    const [next, effects] = compare(state, event);
    state = next;
    for (const effect of effects) {
      const replied = reply(effect);
      if (replied === null) continue;
      replies += 1;
      events.push(...spoil(replies, replied));
    }
  }
  if (result.outcome === null) throw new Error(`the comparison did not end, but is ${state.phase}`);
  return { ...result, outcome: result.outcome };
}

export const orders = (side: Side): ReadonlyMap<StreamName, Side> => new Map([['orders', side]]);
