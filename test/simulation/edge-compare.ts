import { hlcObserve } from '@sgp/shared/clock';
import type { DigestAnswer, StreamDigest } from '@sgp/shared/sync-digest';
import { compare, initialCompare } from '@sgp/sync-engine/compare';
import type { CompareEffect, CompareEvent, CompareState, DigestQuestion } from '@sgp/sync-engine/compare-state';
import { createDigestTree, encodeSum } from '@sgp/sync-engine/digest';
import type { CompareOutcome } from '@sgp/sync-engine/ports';
import type { CoreRow } from './core.ts';
import { contentKey, type EdgeDisk, isSettled, requeue } from './edge-disk.ts';
import { law, type Mutant } from './rules.ts';
import { bucketOfEntity, storedOf } from './sums.ts';

export type CompareDeps = {
  readonly mutant: Mutant | null;
  readonly disk: () => EdgeDisk;
  readonly newId: () => string;
  readonly coreRow: (key: string) => CoreRow | undefined;
  readonly ask: (question: DigestQuestion, back: (answer: DigestAnswer | null) => void) => void;
  /** One transaction; false: it was lost, with the process. */
  readonly commit: (work: (disk: EdgeDisk) => void) => boolean;
  readonly writeAnew: (disk: EdgeDisk, key: string, aboveVersion: number) => unknown;
  readonly listed: (key: string) => void;
};

const streams = ['orders', 'customers', 'rollups'] as const;

/** Runs one comparison: the engine's comparer over this edge's disk and the Core's answers. */
export function runCompare(deps: CompareDeps, ended: (outcome: CompareOutcome) => void): void {
  let state: CompareState = initialCompare;
  const dispatch = (event: CompareEvent): void => {
    const [next, effects] = compare(state, event);
    state = next;
    for (const effect of effects) perform(effect);
  };
  const perform = (effect: CompareEffect): void => {
    switch (effect.type) {
      case 'read-roots':
        dispatch({
          type: 'roots-read',
          round: effect.round,
          roots: streams.map((stream) => rootOf(deps.disk(), stream)),
        });
        return;
      case 'read-tree':
        dispatch({ type: 'tree-read', round: effect.round, buckets: storedOf(deps.disk().sums, effect.stream) });
        return;
      case 'read-entities': {
        const entities = entitiesOf(deps.disk(), effect.stream, effect.buckets);
        dispatch({ type: 'entities-read', round: effect.round, entities });
        return;
      }
      case 'ask':
        deps.ask(effect.question, (answer) =>
          dispatch(
            answer === null ? { type: 'failed', detail: 'line' } : { type: 'answered', round: effect.round, answer },
          ),
        );
        return;
      case 'requeue':
      case 'repair':
      case 'unknown':
        store(deps, effect);
        return;
      case 'ended': {
        const { outcome } = effect;
        if (outcome.type === 'failed' || outcome.type === 'stopped')
          ended({ type: 'compare-failed', detail: outcome.type });
        else
          ended({
            type: 'compared',
            repaired: outcome.type === 'found' ? outcome.requeued + outcome.repairs + outcome.unknown : 0,
          });
        return;
      }
      case 'recount':
      case 'receipt':
        return;
    }
  };
  dispatch({ type: 'start' });
}

const rootOf = (disk: EdgeDisk, stream: StreamDigest['stream']): StreamDigest => {
  const { sum, rows } = createDigestTree(storedOf(disk.sums, stream)).root();
  return { stream, rows, root: encodeSum(sum), newest: null };
};

function entitiesOf(disk: EdgeDisk, stream: string, buckets: readonly number[]) {
  return [...disk.entities.values()].flatMap((each) => {
    const bucket = bucketOfEntity(each.entityId);
    if (each.stream !== stream || !buckets.includes(bucket)) return [];
    const { entityId, version, digest } = each;
    return [{ entityId, bucket, version, digest, open: !isSettled(each) }];
  });
}

function store(deps: CompareDeps, effect: Extract<CompareEffect, { type: 'requeue' | 'repair' | 'unknown' }>): void {
  const { mutant } = deps;
  const listed: string[] = [];
  const list = (disk: EdgeDisk, row: CoreRow, why: 'restored' | 'unknown'): void => {
    disk.ledger.set(contentKey(row), why);
    listed.push(contentKey(row));
  };
  const committed = deps.commit((disk) => {
    switch (effect.type) {
      case 'requeue':
        if (mutant === 'missing-ignored') return;
        for (const { entityId, version } of effect.entities)
          requeue(disk, `${effect.stream}/${entityId}`, version, deps.newId(), mutant);
        return;
      case 'repair':
        if (mutant === 'repair-ignored') return;
        for (const { edgeVersion, core } of effect.entities) {
          const key = `${effect.stream}/${core.entityId}`;
          const row = deps.coreRow(key);
          // Written meanwhile: the next comparison judges what stands then.
          if (row === undefined || disk.entities.get(key)?.version !== edgeVersion) continue;
          if (mutant !== 'restored-not-listed') list(disk, row, 'restored');
          disk.hlc = hlcObserve(disk.hlc, core.updatedAt);
          deps.writeAnew(disk, key, core.version);
          law(disk.ledger.has(contentKey(row)), 'a repair lists the text that it writes over, in its transaction');
        }
        return;
      case 'unknown':
        if (mutant === 'unknown-ignored') return;
        for (const { entityId } of effect.entities) {
          const row = deps.coreRow(`${effect.stream}/${entityId}`);
          if (row !== undefined) list(disk, row, 'unknown');
        }
    }
  });
  if (committed) for (const key of listed) deps.listed(key);
}
