import { limits } from '@sgp/shared/limits';
import { onAcked, onNetworkFailed, onRefused, onStorageFailed, onStored, onTimeout } from './uplink-answers.ts';
import type { Env, EventOf, EventType, Phase, StateIn, Step, UplinkEvent, UplinkState } from './uplink-state.ts';
import { loadNext, push } from './uplink-steps.ts';

type Cell<P extends Phase, E extends EventType> = (state: StateIn<P>, event: EventOf<E>, env: Env) => Step;
type Table = { readonly [P in Phase]: { readonly [E in EventType]: Cell<P, E> } };

/** The event says nothing in this state, or came too late: the next poll or acknowledgement brings what it told. */
const ignored = (state: UplinkState): Step => [state, []];
const stopped = ({ memory }: UplinkState): Step => [{ phase: 'stopped', memory }, []];
const load = ({ memory }: UplinkState, _event: unknown, env: Env): Step => loadNext(memory, env);

/** Every state with every event (docs/sync-protocol.md §3): a missing cell does not compile. */
const table: Table = {
  idle: {
    start: load,
    doorbell: load,
    'poll-due': load,
    'retry-due': ignored,
    'batch-loaded': ignored,
    'nothing-loaded': ignored,
    acked: ignored,
    stored: ignored,
    refused: ignored,
    'network-failed': ignored,
    timeout: ignored,
    'storage-failed': ignored,
    'network-changed': checkLink,
    stop: stopped,
  },
  loading: {
    start: ignored,
    doorbell: (state) => [{ ...state, rung: true }, []],
    'poll-due': ignored,
    'retry-due': ignored,
    'batch-loaded': onBatchLoaded,
    'nothing-loaded': onNothingLoaded,
    acked: ignored,
    stored: ignored,
    refused: ignored,
    'network-failed': ignored,
    timeout: ignored,
    'storage-failed': onStorageFailed,
    'network-changed': ignored,
    stop: stopped,
  },
  pushing: {
    start: ignored,
    // The queue is read again after every acknowledgement.
    doorbell: ignored,
    'poll-due': ignored,
    'retry-due': ignored,
    'batch-loaded': ignored,
    'nothing-loaded': ignored,
    acked: onAcked,
    stored: ignored,
    refused: onRefused,
    'network-failed': onNetworkFailed,
    timeout: onTimeout,
    'storage-failed': ignored,
    'network-changed': ignored,
    stop: stopped,
  },
  storing: {
    start: ignored,
    doorbell: ignored,
    'poll-due': ignored,
    'retry-due': ignored,
    'batch-loaded': ignored,
    'nothing-loaded': ignored,
    acked: ignored,
    stored: onStored,
    refused: ignored,
    'network-failed': ignored,
    timeout: ignored,
    'storage-failed': onStorageFailed,
    'network-changed': ignored,
    stop: stopped,
  },
  waiting: {
    start: ignored,
    doorbell: onDoorbellWaiting,
    'poll-due': ignored,
    'retry-due': retry,
    'batch-loaded': ignored,
    'nothing-loaded': ignored,
    acked: ignored,
    stored: ignored,
    refused: ignored,
    'network-failed': ignored,
    timeout: ignored,
    'storage-failed': ignored,
    'network-changed': onNetworkChangedWaiting,
    stop: stopped,
  },
  stopped: {
    start: ignored,
    doorbell: ignored,
    'poll-due': ignored,
    'retry-due': ignored,
    'batch-loaded': ignored,
    'nothing-loaded': ignored,
    acked: ignored,
    stored: ignored,
    refused: ignored,
    'network-failed': ignored,
    timeout: ignored,
    'storage-failed': ignored,
    'network-changed': ignored,
    stop: ignored,
  },
};

/** One step of the uplink. Pure: the same state, event and env always give the same state and effects. */
export function uplink(state: UplinkState, event: UplinkEvent, env: Env): Step {
  const cell = table[state.phase][event.type] as (state: UplinkState, event: UplinkEvent, env: Env) => Step;
  return cell(state, event, env);
}

function onBatchLoaded({ memory, origin }: StateIn<'loading'>, { batch }: EventOf<'batch-loaded'>, env: Env): Step {
  return push(memory, { ...batch, origin, sentAt: env.now, attempt: 1, signOffsetMs: memory.signOffsetMs });
}

function onNothingLoaded(state: StateIn<'loading'>, _event: EventOf<'nothing-loaded'>, env: Env): Step {
  const { memory, origin, rung } = state;
  // Suspects that left the queue are cleared; the queue itself is read again when the bell rang during the reading.
  if (origin === 'suspects') return loadNext({ ...memory, suspects: memory.suspects.slice(1) }, env);
  if (rung) return loadNext(memory, env);
  return [{ phase: 'idle', memory }, [{ type: 'schedule', timer: 'poll-due', delayMs: limits.outboxPollMs }]];
}

function retry({ memory, resend }: StateIn<'waiting'>, _event: unknown, env: Env): Step {
  return resend === null ? loadNext(memory, env) : push(memory, { ...resend, attempt: resend.attempt + 1 });
}

/** Somebody works: worth an attempt soon, though not at every change of a busy shop. */
function onDoorbellWaiting(state: StateIn<'waiting'>, event: EventOf<'doorbell'>, env: Env): Step {
  const soon = state.since + limits.outboxPollMs;
  if (state.patient || soon >= state.until) return [state, []];
  // Before the pause began: the clock was set back, and how long the pause has lasted is not known.
  if (env.now >= soon || env.now < state.since) return retry(state, event, env);
  return [{ ...state, until: soon }, [{ type: 'schedule', timer: 'retry-due', delayMs: soon - env.now }]];
}

function onNetworkChangedWaiting(state: StateIn<'waiting'>, event: EventOf<'network-changed'>, env: Env): Step {
  if (state.patient) return [state, []];
  return retry({ ...state, memory: { ...state.memory, backoffStep: 0 } }, event, env);
}

/** Another network: what was known of the link is no longer known. */
function checkLink({ memory }: StateIn<'idle'>, _event: unknown, env: Env): Step {
  return loadNext({ ...memory, exchanged: false }, env);
}
