import { limits } from '@sgp/shared/limits';
import type { DigestAnswer } from '@sgp/shared/sync-digest';
import type {
  CompareEffect,
  CompareEvent,
  CompareEventOf,
  CompareEventType,
  CompareIn,
  CompareOutcome,
  ComparePhaseName,
  CompareState,
  CompareStep,
  DigestQuestion,
  Run,
} from './compare-state.ts';
import { differences, narrowListing } from './compare-verdict.ts';
import { createDigestTree, differingBuckets, differingIndexes } from './digest.ts';

/**
 * The edge's comparer: `(state, event) → [state, effects]` over the rounds roots → groups → buckets → entities → unknown
 * (docs/sync-protocol.md §6.2). It writes nothing itself and every failure ends it, so that it can never stand in
 * the way of pushing; the next comparison begins anew.
 */

type Cell<P extends ComparePhaseName, E extends CompareEventType> = (
  state: CompareIn<P>,
  event: CompareEventOf<E>,
) => CompareStep;
type Table = { readonly [P in ComparePhaseName]: { readonly [E in CompareEventType]: Cell<P, E> } };
type Running = Exclude<CompareState, { phase: 'idle' }>;
type Answer<L extends DigestAnswer['level']> = Extract<DigestAnswer, { level: L }>;

const ignored = (state: CompareState): CompareStep => [state, []];
const fail = ({ run }: Running, { detail }: { readonly detail: string }): CompareStep =>
  end(run, { type: 'failed', detail });
const stop = ({ run }: Running): CompareStep => end(run, { type: 'stopped' });
/** What every running phase does with the events that it does not wait for. */
const others = {
  start: ignored,
  'roots-read': ignored,
  'tree-read': ignored,
  'entities-read': ignored,
  answered: ignored,
  failed: fail,
  stop,
} as const;

/** Every phase with every event: a missing cell does not compile. */
const table: Table = {
  idle: { ...others, start: begin, failed: ignored, stop: ignored },
  'reading-roots': { ...others, 'roots-read': onRootsRead },
  'asking-roots': { ...others, answered: onLevel('roots', onRoots) },
  'reading-tree': { ...others, 'tree-read': onTreeRead },
  'asking-groups': { ...others, answered: onLevel('groups', onGroups) },
  'asking-buckets': { ...others, answered: onLevel('buckets', onBuckets) },
  'asking-entities': { ...others, answered: onLevel('entities', onEntities) },
  'reading-entities': { ...others, 'entities-read': onEntitiesRead },
  'asking-unknown': { ...others, answered: onLevel('unknown', onUnknown) },
};

export const initialCompare: CompareState = { phase: 'idle', round: 0 };

/** One step of the comparer. Pure: the same state and event always give the same state and effects. */
export function compare(state: CompareState, event: CompareEvent): CompareStep {
  if ('round' in event && state.phase !== 'idle' && event.round !== state.run.round) return ignored(state);
  const cell = table[state.phase][event.type] as (state: CompareState, event: CompareEvent) => CompareStep;
  return cell(state, event);
}

function begin({ round }: CompareIn<'idle'>): CompareStep {
  const run: Run = {
    round: round + 1,
    asks: 0,
    roots: [],
    streamsLeft: [],
    found: { requeued: 0, repairs: 0, unknown: 0 },
  };
  return [{ phase: 'reading-roots', run }, [{ type: 'read-roots', round: run.round }]];
}

const end = (run: Run, outcome: CompareOutcome): CompareStep => [
  { phase: 'idle', round: run.round },
  [{ type: 'ended', outcome }],
];

/** Asks the next question, in the phase that waits for its answer. */
function ask(run: Run, question: DigestQuestion, phase: (run: Run) => CompareState): CompareStep {
  if (run.asks >= limits.syncCompareAsksMax)
    return end(run, { type: 'failed', detail: `more than ${limits.syncCompareAsksMax} rounds` });
  const next = { ...run, round: run.round + 1, asks: run.asks + 1 };
  return [phase(next), [{ type: 'ask', round: next.round, question }]];
}

/** An answer to another question than the one that was asked ends the comparison. */
function onLevel<L extends DigestAnswer['level'], S extends Running>(
  level: L,
  step: (state: S, answer: Answer<L>) => CompareStep,
): (state: S, event: CompareEventOf<'answered'>) => CompareStep {
  return (state, { answer }) =>
    answer.level === level
      ? step(state, answer as Answer<L>)
      : fail(state, { detail: `asked for ${level}, answered ${answer.level}` });
}

function onRootsRead({ run }: CompareIn<'reading-roots'>, { roots }: CompareEventOf<'roots-read'>): CompareStep {
  return ask({ ...run, roots }, { level: 'roots', streams: [...roots] }, (next) => ({
    phase: 'asking-roots',
    run: next,
  }));
}

function onRoots({ run }: CompareIn<'asking-roots'>, { differ, receipt }: Answer<'roots'>): CompareStep {
  if (differ.length > 0) return nextStream({ ...run, streamsLeft: [...new Set(differ)] });
  const [state, effects] = end(run, { type: 'equal' });
  return [state, [{ type: 'receipt', receipt: receipt ?? null, streams: run.roots }, ...effects]];
}

function nextStream(run: Run): CompareStep {
  const [stream, ...streamsLeft] = run.streamsLeft;
  if (stream === undefined) {
    const { requeued, repairs, unknown } = run.found;
    return end(run, requeued + repairs + unknown > 0 ? { type: 'found', ...run.found } : { type: 'nothing-found' });
  }
  const next = { ...run, streamsLeft, round: run.round + 1 };
  return [{ phase: 'reading-tree', run: next, stream }, [{ type: 'read-tree', round: next.round, stream }]];
}

function onTreeRead({ run, stream }: CompareIn<'reading-tree'>, { buckets }: CompareEventOf<'tree-read'>): CompareStep {
  const tree = createDigestTree(buckets);
  return ask(run, { level: 'groups', stream }, (next) => ({ phase: 'asking-groups', run: next, stream, tree }));
}

function onGroups({ run, stream, tree }: CompareIn<'asking-groups'>, { sums }: Answer<'groups'>): CompareStep {
  const groups = differingIndexes(tree.groups(), sums);
  // It became equal since the first round: an acknowledgement came in between.
  if (groups.length === 0) return nextStream(run);
  const question: DigestQuestion = { level: 'buckets', stream, groups: [...groups] };
  return ask(run, question, (next) => ({ phase: 'asking-buckets', run: next, stream, tree }));
}

function onBuckets({ run, stream, tree }: CompareIn<'asking-buckets'>, { groups }: Answer<'buckets'>): CompareStep {
  const buckets = differingBuckets(tree, groups);
  const size = limits.syncCompareBucketsPerAsk;
  const portions = Array.from({ length: Math.ceil(buckets.length / size) }, (_, i) =>
    buckets.slice(i * size, (i + 1) * size),
  );
  return nextPortion({ run, stream, portions });
}

type InPortions = Pick<CompareIn<'asking-entities'>, 'run' | 'stream' | 'portions'>;

function nextPortion({ run, stream, portions }: InPortions): CompareStep {
  const [buckets] = portions;
  if (buckets === undefined) return nextStream(run);
  const question: DigestQuestion = { level: 'entities', stream, buckets: [...buckets] };
  return ask(run, question, (next) => ({ phase: 'asking-entities', run: next, stream, portions }));
}

/** The edge reads its entities after the Core listed its own, so that whatever the Core lists has been here before. */
function onEntities(state: CompareIn<'asking-entities'>, { buckets: listed }: Answer<'entities'>): CompareStep {
  const { stream, portions } = state;
  const run = { ...state.run, round: state.run.round + 1 };
  const buckets = portions[0] ?? [];
  return [
    { phase: 'reading-entities', run, stream, portions, listed },
    [{ type: 'read-entities', round: run.round, stream, buckets }],
  ];
}

function onEntitiesRead(
  state: CompareIn<'reading-entities'>,
  { entities: edge }: CompareEventOf<'entities-read'>,
): CompareStep {
  const { run, stream, portions, listed } = state;
  const { notListed, unknowns, recount } = narrowListing(portions[0] ?? [], edge, listed);
  const [next, effects] = nextUnknown({
    phase: 'asking-unknown',
    run,
    stream,
    portions,
    edge,
    notListed,
    unknowns,
    answers: [],
  });
  return [next, recount.length === 0 ? effects : [{ type: 'recount', stream, buckets: recount }, ...effects]];
}

function nextUnknown(state: CompareIn<'asking-unknown'>): CompareStep {
  const [first] = state.unknowns;
  if (first === undefined) return settlePortion(state);
  const question: DigestQuestion = {
    level: 'unknown',
    stream: state.stream,
    bucket: first.bucket,
    digests: [...first.digests],
  };
  return ask(state.run, question, (run) => ({ ...state, run }));
}

function onUnknown(state: CompareIn<'asking-unknown'>, { entities }: Answer<'unknown'>): CompareStep {
  const [asked, ...unknowns] = state.unknowns;
  const mine = entities.filter(({ digest }) => asked?.digests.includes(digest) === true);
  return nextUnknown({ ...state, unknowns, answers: [...state.answers, ...mine] });
}

/** All is known of these buckets: says what is to be done, and goes on with the next ones. */
function settlePortion(state: CompareIn<'asking-unknown'>): CompareStep {
  const { stream, portions } = state;
  const { requeue, repair, unknown } = differences(state);
  const found = {
    requeued: state.run.found.requeued + requeue.length,
    repairs: state.run.found.repairs + repair.length,
    unknown: state.run.found.unknown + unknown.length,
  };
  const effects: CompareEffect[] = [];
  if (requeue.length > 0) effects.push({ type: 'requeue', stream, entities: requeue });
  if (repair.length > 0) effects.push({ type: 'repair', stream, entities: repair });
  if (unknown.length > 0) effects.push({ type: 'unknown', stream, entities: unknown });
  const [next, more] = nextPortion({ run: { ...state.run, found }, stream, portions: portions.slice(1) });
  return [next, [...effects, ...more]];
}
