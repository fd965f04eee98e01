import { limits } from '@sgp/shared/limits';
import { laneOf } from './lanes.ts';
import { onAcked, onNetworkFailed, onRefused, onStored, onTimeout } from './uplink-answers.ts';
import { onStorageFailed } from './uplink-failures.ts';
import { onEpochTaken, onHelloAnswered, onHelloLost, onHelloRefused, onHelloUnsupported } from './uplink-greeting.ts';
import { stepHelper, turnAllOff, wakeHelper } from './uplink-helpers.ts';
import {
  type Effect,
  type Env,
  type EventOf,
  type EventType,
  type LeadEvent,
  type Memory,
  type Phase,
  type StateIn,
  type Step,
  type UplinkEvent,
  type UplinkState,
  withMemory,
} from './uplink-state.ts';
import { compareWhenDrained, loadNext, newPush, push } from './uplink-steps.ts';
import { onWatchDue, scheduleWatch } from './uplink-watch.ts';

type Cell<P extends Phase, E extends EventType> = (state: StateIn<P>, event: EventOf<E>, env: Env) => Step;
type Table = { readonly [P in Phase]: { readonly [E in EventType]: Cell<P, E> } };

/** The event says nothing in this state, or came too late: the next poll or acknowledgement brings what it told. */
const ignored = (state: UplinkState): Step => [state, []];
const stopped = ({ memory }: UplinkState): Step => {
  const [ended, releases] = turnAllOff(memory);
  return [{ phase: 'stopped', memory: ended }, releases];
};
const load = ({ memory }: UplinkState, _event: unknown, env: Env): Step => loadNext(memory, env);

/** Every state with every event (docs/sync-protocol.md §3): a missing cell does not compile. */
const table: Table = {
  idle: {
    start: onStart,
    doorbell: load,
    'poll-due': load,
    'retry-due': ignored,
    'watch-due': onWatchDue,
    'hello-answered': ignored,
    'hello-unsupported': ignored,
    'epoch-taken': ignored,
    'batch-loaded': ignored,
    'nothing-loaded': ignored,
    acked: ignored,
    stored: ignored,
    refused: ignored,
    'network-failed': ignored,
    timeout: ignored,
    'storage-failed': ignored,
    compared: onCompareEnded,
    'compare-failed': onCompareEnded,
    'network-changed': checkLink,
    stop: stopped,
  },
  greeting: {
    start: ignored,
    doorbell: ignored,
    'poll-due': ignored,
    'retry-due': ignored,
    'watch-due': onWatchDue,
    'hello-answered': onHelloAnswered,
    'hello-unsupported': onHelloUnsupported,
    'epoch-taken': ignored,
    'batch-loaded': ignored,
    'nothing-loaded': ignored,
    acked: ignored,
    stored: ignored,
    refused: onHelloRefused,
    'network-failed': onHelloLost,
    timeout: onHelloLost,
    'storage-failed': onStorageFailed,
    compared: onCompareEnded,
    'compare-failed': onCompareEnded,
    'network-changed': ignored,
    stop: stopped,
  },
  renewing: {
    start: ignored,
    doorbell: ignored,
    'poll-due': ignored,
    'retry-due': ignored,
    'watch-due': onWatchDue,
    'hello-answered': ignored,
    'hello-unsupported': ignored,
    'epoch-taken': onEpochTaken,
    'batch-loaded': ignored,
    'nothing-loaded': ignored,
    acked: ignored,
    stored: ignored,
    refused: ignored,
    'network-failed': ignored,
    timeout: ignored,
    'storage-failed': onStorageFailed,
    compared: onCompareEnded,
    'compare-failed': onCompareEnded,
    'network-changed': ignored,
    stop: stopped,
  },
  loading: {
    start: ignored,
    doorbell: (state) => [{ ...state, rung: true }, []],
    'poll-due': ignored,
    'retry-due': ignored,
    'watch-due': onWatchDue,
    'hello-answered': ignored,
    'hello-unsupported': ignored,
    'epoch-taken': ignored,
    'batch-loaded': onBatchLoaded,
    'nothing-loaded': onNothingLoaded,
    acked: ignored,
    stored: ignored,
    refused: ignored,
    'network-failed': ignored,
    timeout: ignored,
    'storage-failed': onStorageFailed,
    compared: onCompareEnded,
    'compare-failed': onCompareEnded,
    'network-changed': onNetworkChangedAtWork,
    stop: stopped,
  },
  pushing: {
    start: ignored,
    // The queue is read again after every acknowledgement.
    doorbell: ignored,
    'poll-due': ignored,
    'retry-due': ignored,
    'watch-due': onWatchDue,
    'hello-answered': ignored,
    'hello-unsupported': ignored,
    'epoch-taken': ignored,
    'batch-loaded': ignored,
    'nothing-loaded': ignored,
    acked: onAcked,
    stored: ignored,
    refused: onRefused,
    'network-failed': onNetworkFailed,
    timeout: onTimeout,
    'storage-failed': ignored,
    compared: onCompareEnded,
    'compare-failed': onCompareEnded,
    'network-changed': onNetworkChangedAtWork,
    stop: stopped,
  },
  storing: {
    start: ignored,
    doorbell: ignored,
    'poll-due': ignored,
    'retry-due': ignored,
    'watch-due': onWatchDue,
    'hello-answered': ignored,
    'hello-unsupported': ignored,
    'epoch-taken': ignored,
    'batch-loaded': ignored,
    'nothing-loaded': ignored,
    acked: ignored,
    stored: onStored,
    refused: ignored,
    'network-failed': ignored,
    timeout: ignored,
    'storage-failed': onStorageFailed,
    compared: onCompareEnded,
    'compare-failed': onCompareEnded,
    'network-changed': onNetworkChangedAtWork,
    stop: stopped,
  },
  waiting: {
    start: ignored,
    doorbell: onDoorbellWaiting,
    'poll-due': ignored,
    'retry-due': retry,
    'watch-due': onWatchDue,
    'hello-answered': ignored,
    'hello-unsupported': ignored,
    'epoch-taken': ignored,
    'batch-loaded': ignored,
    'nothing-loaded': ignored,
    acked: ignored,
    stored: ignored,
    refused: ignored,
    'network-failed': ignored,
    timeout: ignored,
    'storage-failed': ignored,
    compared: onCompareEnded,
    'compare-failed': onCompareEnded,
    'network-changed': onNetworkChangedWaiting,
    stop: stopped,
  },
  stopped: {
    start: ignored,
    doorbell: ignored,
    'poll-due': ignored,
    'retry-due': ignored,
    'watch-due': ignored,
    'hello-answered': ignored,
    'hello-unsupported': ignored,
    'epoch-taken': ignored,
    'batch-loaded': ignored,
    'nothing-loaded': ignored,
    acked: ignored,
    stored: ignored,
    refused: ignored,
    'network-failed': ignored,
    timeout: ignored,
    'storage-failed': ignored,
    compared: ignored,
    'compare-failed': ignored,
    'network-changed': ignored,
    stop: ignored,
  },
};

/** One step of the uplink. Pure: the same state, event and env always give the same state and effects. */
export function uplink(state: UplinkState, event: UplinkEvent, env: Env): Step {
  if (event.type === 'helper') return stepHelper(state, event.channel, event.event, env);
  const cell = table[state.phase][event.type] as (state: UplinkState, event: LeadEvent, env: Env) => Step;
  return cell(state, event, env);
}

function onStart({ memory }: StateIn<'idle'>, _event: unknown, env: Env): Step {
  const [next, effects] = loadNext(memory, env);
  return [next, [...effects, scheduleWatch]];
}

/** After so many batches in a row a helper looks after the other lanes, though no limit cut the lead's batches. */
const busyTurnsUntilHelp = 4;

function onBatchLoaded({ memory, origin }: StateIn<'loading'>, { batch }: EventOf<'batch-loaded'>, env: Env): Step {
  const busyTurns = batch.changes.length === 0 ? 0 : memory.busyTurns + 1;
  const pushing = push({ ...memory, busyTurns }, newPush(memory, batch, origin, env));
  if (origin !== 'queue') return pushing;
  const helped = batch.more || (busyTurns > 0 && busyTurns % busyTurnsUntilHelp === 0) ? wakeHelper(pushing) : pushing;
  return batch.changes.length === 0 || laneOf(batch.stream) === 3 ? compareWhenDrained(helped, env) : helped;
}

function onNothingLoaded(state: StateIn<'loading'>, _event: EventOf<'nothing-loaded'>, env: Env): Step {
  const { memory, origin, rung } = state;
  // Suspects that left the queue are cleared; the queue itself is read again when the bell rang during the reading.
  if (origin === 'suspects') return loadNext({ ...memory, suspects: memory.suspects.slice(1) }, env);
  if (rung) return loadNext(memory, env);
  const rested = { ...memory, busyTurns: 0, stalledTicks: 0 };
  const idle: Step = [
    { phase: 'idle', memory: rested },
    [{ type: 'schedule', timer: 'poll-due', delayMs: limits.outboxPollMs }],
  ];
  return compareWhenDrained(idle, env);
}

/** Pushing never waits for a comparison, and does not ask how it ended but for when the next is due. */
function onCompareEnded(state: UplinkState, event: EventOf<'compared' | 'compare-failed'>, { now }: Env): Step {
  const sound = event.type === 'compared' && event.repaired === 0;
  const next = now + (sound ? limits.syncCompareEveryMs : limits.syncCompareRetryMs);
  const compareDueAt = state.memory.compareDueAt === 0 ? 0 : next;
  return [withMemory(state, { ...state.memory, comparing: false, compareDueAt }), []];
}

function retry({ memory, resend }: StateIn<'waiting'>, _event: unknown, env: Env): Step {
  // After an outage the handshake comes first, and what is newest then.
  if (resend === null || memory.greetedAt === null) return loadNext(memory, env);
  return push(memory, { ...resend, attempt: resend.attempt + 1 });
}

/** Somebody works: worth an attempt soon, though not at every change of a busy shop. */
function onDoorbellWaiting(state: StateIn<'waiting'>, event: EventOf<'doorbell'>, env: Env): Step {
  const soon = state.since + limits.outboxPollMs;
  if (state.patient || soon >= state.until) return [state, []];
  // Before the pause began: the clock was set back, and how long the pause has lasted is not known.
  if (env.now >= soon || env.now < state.since) return retry(state, event, env);
  return [{ ...state, until: soon }, [{ type: 'schedule', timer: 'retry-due', delayMs: soon - env.now }]];
}

/** What was known of the link is no longer known: a handshake is due, and beside it no helper runs. */
function doubted(memory: Memory): readonly [Memory, readonly Effect[]] {
  const [freed, releases] = turnAllOff(memory);
  return [{ ...freed, exchanged: false, greetedAt: null }, releases];
}

function onNetworkChangedWaiting(state: StateIn<'waiting'>, event: EventOf<'network-changed'>, env: Env): Step {
  const [memory, releases] = doubted(state.memory);
  if (state.patient) return [{ ...state, memory }, releases];
  const [next, effects] = retry({ ...state, memory: { ...memory, backoffStep: 0 } }, event, env);
  return [next, [...releases, ...effects]];
}

function checkLink({ memory }: StateIn<'idle'>, _event: unknown, env: Env): Step {
  const [next, releases] = doubted(memory);
  const [state, effects] = loadNext(next, env);
  return [state, [...releases, ...effects]];
}

/** What is under way ends first, and the handshake follows. */
function onNetworkChangedAtWork(state: UplinkState): Step {
  const [memory, releases] = doubted(state.memory);
  return [withMemory(state, memory), releases];
}
