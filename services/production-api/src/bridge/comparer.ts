import type { Log } from '@sgp/service-kit/log';
import type { StreamName } from '@sgp/shared/sync';
import type { DigestAnswer, ReceiptClaims, StreamDigest } from '@sgp/shared/sync-digest';
import { compare, initialCompare } from '@sgp/sync-engine/compare';
import type { CompareEffect, CompareEvent, CoreEntity, DigestQuestion } from '@sgp/sync-engine/compare-state';
import type { CompareOutcome } from '@sgp/sync-engine/ports';
import type { CompareStore, FoundEntity } from './compare-store.ts';
import type { CallOutcome } from './mirror-link.ts';

/** A comparison that takes longer is given up; what it found until then was done, and the next one begins with less. */
const compareMaxMs = 600_000;

export type ComparerDeps = {
  readonly store: CompareStore;
  readonly ask: (question: DigestQuestion) => Promise<CallOutcome<DigestAnswer>>;
  /** Its claims. @throws AppError when the Core did not sign it for this node */
  readonly verifyReceipt: (receipt: string) => Promise<ReceiptClaims>;
  readonly metrics: {
    round(level: DigestQuestion['level']): void;
    compared(
      ending: string,
      found: { readonly requeued: number; readonly repairs: number; readonly unknown: number },
    ): void;
  };
  readonly now: () => number;
  readonly log: Pick<Log, 'info' | 'warn'>;
};

/** Performs one comparison after the other, never two at once. */
export type Comparer = {
  run(): Promise<CompareOutcome>;
  /** Begins nothing new; resolves when what is under way has ended. */
  stop(): Promise<void>;
};

export function createComparer(deps: ComparerDeps): Comparer {
  let stopped = false;
  let running: Promise<CompareOutcome> | undefined;
  return {
    run() {
      running = runOne(deps, () => stopped);
      return running;
    },
    async stop() {
      stopped = true;
      await running;
    },
  };
}

async function runOne(deps: ComparerDeps, isStopped: () => boolean): Promise<CompareOutcome> {
  const startedAt = performance.now();
  const docs = new Map<string, string>();
  const done: Done = { requeued: 0, repairs: 0, unknown: 0 };
  const seen: Seen = { roots: [], missing: 0, proved: false };
  let state = initialCompare;
  let events: CompareEvent[] = [{ type: 'start' }];
  let ended = null as Extract<CompareEffect, { type: 'ended' }>['outcome'] | null;
  while (ended === null) {
    const event = events.shift() ?? { type: 'failed', detail: 'the comparison came to a stop' };
    const [next, effects] = compare(state, event);
    state = next;
    for (const effect of effects) {
      if (effect.type === 'ended') ended = effect.outcome;
      else events = [...events, ...(await perform(deps, effect, docs, done, seen))];
    }
    if (ended === null && isStopped()) events = [{ type: 'stop' }];
    else if (ended === null && performance.now() - startedAt > compareMaxMs)
      events = [{ type: 'failed', detail: 'it took too long' }];
  }
  deps.metrics.compared(ended.type, done);
  // Only what was counted on both sides may say how much is missing: a signed equality, or a difference that was found.
  if (ended.type === 'found' || (ended.type === 'equal' && seen.proved))
    await deps.store
      .saveComparison(seen.missing, deps.now())
      .catch((err) => deps.log.warn({ err }, 'what the comparison found could not be noted'));
  if (ended.type !== 'equal' && ended.type !== 'nothing-found')
    deps.log.info(
      { ending: ended.type, ...done, detail: 'detail' in ended ? ended.detail : undefined },
      'compared with the Core',
    );
  if (ended.type === 'failed') return { type: 'compare-failed', detail: ended.detail };
  if (ended.type === 'stopped') return { type: 'compare-failed', detail: 'stopped' };
  return { type: 'compared', repaired: done.requeued + done.repairs };
}

type Done = { requeued: number; repairs: number; unknown: number };
/** `missing`: records of this shop that the Core does not have, by its own word. */
type Seen = { roots: readonly StreamDigest[]; missing: number; proved: boolean };

/** What an effect leads to; a failure of the storage or of the line is an event like any other. */
async function perform(
  deps: ComparerDeps,
  effect: Exclude<CompareEffect, { type: 'ended' }>,
  docs: Map<string, string>,
  done: Done,
  seen: Seen,
): Promise<readonly CompareEvent[]> {
  try {
    return await performOrThrow(deps, effect, docs, done, seen);
  } catch (err) {
    deps.log.warn({ err, effect: effect.type }, 'the comparison with the Core failed; it is tried again');
    return [{ type: 'failed', detail: (err as Error).message }];
  }
}

async function performOrThrow(
  deps: ComparerDeps,
  effect: Exclude<CompareEffect, { type: 'ended' }>,
  docs: Map<string, string>,
  done: Done,
  seen: Seen,
): Promise<readonly CompareEvent[]> {
  const { store } = deps;
  const withDoc = (each: CoreEntity): FoundEntity => ({ ...each, doc: docs.get(each.entityId) });
  switch (effect.type) {
    case 'read-roots':
      seen.roots = await store.roots();
      return [{ type: 'roots-read', round: effect.round, roots: seen.roots }];
    case 'read-tree':
      return [{ type: 'tree-read', round: effect.round, buckets: await store.tree(effect.stream) }];
    case 'read-entities': {
      // The texts of the portion before are not needed any more.
      docs.clear();
      return [
        { type: 'entities-read', round: effect.round, entities: await store.entities(effect.stream, effect.buckets) },
      ];
    }
    case 'ask':
      return [await askCore(deps, effect.round, effect.question, docs)];
    case 'requeue':
      seen.missing += effect.entities.length;
      done.requeued += await store.requeue(effect.stream, effect.entities);
      return [];
    case 'repair':
      done.repairs += await store.repair(
        effect.stream,
        effect.entities.map(({ edgeVersion, core }) => ({ edgeVersion, core: withDoc(core) })),
      );
      return [];
    case 'unknown':
      done.unknown += await store.unknown(effect.stream, effect.entities.map(withDoc));
      return [];
    case 'recount':
      await recount(deps, effect.stream, effect.buckets);
      return [];
    case 'receipt':
      if (effect.receipt !== null) await keepReceipt(deps, effect.receipt, seen);
      return [];
  }
}

async function askCore(
  { ask, metrics }: ComparerDeps,
  round: number,
  question: DigestQuestion,
  docs: Map<string, string>,
): Promise<CompareEvent> {
  metrics.round(question.level);
  const outcome = await ask(question);
  switch (outcome.type) {
    case 'answered':
      if (outcome.value.level === 'unknown')
        for (const { entityId, doc } of outcome.value.entities) if (doc !== undefined) docs.set(entityId, doc);
      return { type: 'answered', round, answer: outcome.value };
    case 'timeout':
      return { type: 'failed', detail: 'the Core did not answer in time' };
    default:
      return { type: 'failed', detail: outcome.detail };
  }
}

async function recount({ store, log }: ComparerDeps, stream: StreamName, buckets: readonly number[]): Promise<void> {
  log.warn({ stream, buckets: buckets.length }, 'sums of this disk were wrong and are counted anew');
  await store.recount(stream, buckets);
}

/** A receipt that the Core did not sign proves nothing; that edge and Core are equal stays true, and the next one is kept. */
async function keepReceipt({ store, verifyReceipt, log }: ComparerDeps, receipt: string, seen: Seen): Promise<void> {
  let claims: ReceiptClaims;
  try {
    claims = await verifyReceipt(receipt);
  } catch (err) {
    log.warn({ err }, 'the receipt is not signed by a key of the Core that this node knows');
    return;
  }
  seen.proved = true;
  seen.missing = missingIn(seen.roots, claims);
  // The Core's word by the Core's clock: that of the shop may jump.
  await store.saveReceipt(receipt, claims.iat * 1000);
}

/** How many records this shop counts and the Core's signed word does not. */
function missingIn(roots: readonly StreamDigest[], { streams }: ReceiptClaims): number {
  const theirs = new Map(streams.map(({ stream, rows }) => [stream, rows]));
  return roots.reduce((sum, { stream, rows }) => sum + Math.max(0, rows - (theirs.get(stream) ?? 0)), 0);
}
