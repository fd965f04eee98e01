import { limits } from '@sgp/shared/limits';
import { backoffMs } from './backoff.ts';
import type {
  DownEnv,
  DownEvent,
  DownEventOf,
  DownEventType,
  DownFacts,
  DownIn,
  DownlinkState,
  DownMemory,
  DownPhase,
  DownPosition,
  DownStep,
} from './downlink-state.ts';
import type { ParkReason } from './ports.ts';
import { refusalKind } from './refusals.ts';

/**
 * The edge's way to the Core's changes: `(state, event, env) → [state, effects]` (docs/sync-protocol.md §7). One call
 * is under way at a time; the Core holds it open while it has nothing. What a call brings is applied with the position in
 * one transaction, so that after any crash the next call asks for exactly what is not applied.
 */

type Cell<P extends DownPhase, E extends DownEventType> = (
  state: DownIn<P>,
  event: DownEventOf<E>,
  env: DownEnv,
) => DownStep;
type Table = { readonly [P in DownPhase]: { readonly [E in DownEventType]: Cell<P, E> } };

const ignored = (state: DownlinkState): DownStep => [state, []];
const stopped = ({ memory }: DownlinkState): DownStep => [{ phase: 'stopped', memory }, []];
/** What every phase does with the events that it does not wait for: they come too late, and the next call brings what they told. */
const others = {
  start: ignored,
  'network-changed': ignored,
  'retry-due': ignored,
  answered: ignored,
  'signature-refused': ignored,
  refused: ignored,
  'network-failed': ignored,
  timeout: ignored,
  applied: ignored,
  'storage-failed': ignored,
  stop: stopped,
} as const;

/** Every phase with every event: a missing cell does not compile. */
const table: Table = {
  idle: { ...others, start: ({ memory }, _event, env) => ask(memory, env, 0) },
  asking: {
    ...others,
    answered: onAnswered,
    'signature-refused': onSignatureRefused,
    refused: onRefused,
    'network-failed': ({ memory }, _event, env) => retryLater(memory, env, null),
    timeout: ({ memory }, _event, env) => retryLater(memory, env, null),
  },
  applying: {
    ...others,
    applied: onApplied,
    'storage-failed': ({ memory }, { code, detail }, env) => retryLater(memory, env, { code, detail }),
  },
  waiting: {
    ...others,
    'retry-due': ({ memory }, _event, env) => askNext(memory, env),
    'network-changed': (state, _event, env) =>
      state.patient ? ignored(state) : askNext({ ...state.memory, backoffStep: 0 }, env),
  },
  stopped: { ...others, stop: ignored },
};

/** One step of the downlink. Pure: the same state, event and env always give the same state and effects. */
export function downlink(state: DownlinkState, event: DownEvent, env: DownEnv): DownStep {
  const cell = table[state.phase][event.type] as (state: DownlinkState, event: DownEvent, env: DownEnv) => DownStep;
  return cell(state, event, env);
}

function ask(memory: DownMemory, { now }: DownEnv, waitMs: number): DownStep {
  const { coreEpoch, cursor } = memory.position;
  const parked = memory.untold.slice(0, limits.downlinkParkedPerAskMax);
  return [
    { phase: 'asking', memory, since: now, waitMs, told: parked },
    [{ type: 'ask', ask: { coreEpoch, cursor, waitMs, parked } }],
  ];
}

/** After a failure the Core is not to hold the call, so that the state of the link is known at once. */
const askNext = (memory: DownMemory, env: DownEnv): DownStep =>
  ask(memory, env, memory.failures > 0 ? 0 : limits.downlinkWaitMs);

function wait(memory: DownMemory, delayMs: number, patient = false): DownStep {
  return [
    { phase: 'waiting', memory, patient },
    [
      { type: 'schedule', timer: 'retry-due', delayMs },
      { type: 'report', facts: factsOf(memory) },
    ],
  ];
}

const failed = (memory: DownMemory, problem: ParkReason | null): DownMemory => ({
  ...memory,
  failures: memory.failures + 1,
  problem,
  backoffStep: memory.backoffStep + 1,
});

const retryLater = (memory: DownMemory, env: DownEnv, problem: ParkReason | null): DownStep =>
  wait(failed(memory, problem), backoffMs(memory.backoffStep, env.random));

function onAnswered({ memory, since, waitMs, told }: DownIn<'asking'>, event: DownEventOf<'answered'>, env: DownEnv) {
  const { claims } = event;
  const detail = answerFault(memory.position, claims);
  if (detail !== null) return retryLater(memory, env, { code: 'BODY_INVALID', detail });
  const well: DownMemory = {
    ...memory,
    lastAnswerAt: env.now,
    failures: 0,
    problem: null,
    backoffStep: 0,
    untold: memory.untold.filter((each) => !told.includes(each)),
  };
  const [next, effects] =
    claims.changes.length === 0 && claims.coreEpoch === memory.position.coreEpoch
      ? nothingCame(well, env, env.now - since < limits.downlinkIdleMinMs && waitMs > 0)
      : apply(well, claims);
  const telling = told.length === 0 ? [] : [{ type: 'parked-told', parked: told } as const];
  return [next, [...telling, { type: 'report', facts: factsOf(well) }, ...effects]] satisfies DownStep;
}

/** @param atOnce the Core was to hold the call and did not: calling again without a pause would spin */
function nothingCame(memory: DownMemory, env: DownEnv, atOnce: boolean): DownStep {
  if (!atOnce) return askNext(memory, env);
  const timer = { type: 'schedule', timer: 'retry-due', delayMs: limits.downlinkIdleMinMs } as const;
  return [{ phase: 'waiting', memory, patient: false }, [timer]];
}

function apply(memory: DownMemory, claims: DownEventOf<'answered'>['claims']): DownStep {
  const from = memory.position;
  const to: DownPosition = {
    coreEpoch: claims.coreEpoch,
    cursor: claims.after + claims.changes.length,
    signedAtS: Math.max(from.signedAtS, claims.iat),
  };
  return [{ phase: 'applying', memory }, [{ type: 'apply', from, to, changes: claims.changes }]];
}

/**
 * Why an answer cannot be one to what was asked, or null. Another core epoch tells that the Core was restored: it goes on
 * from the last common position. An old answer of an earlier epoch, which was signed before, must not take us back to it.
 */
export function answerFault(
  position: DownPosition,
  { iat, coreEpoch, after, head, changes }: DownEventOf<'answered'>['claims'],
): string | null {
  const { cursor } = position;
  if (coreEpoch === position.coreEpoch || position.coreEpoch === null) {
    if (after !== cursor) return `changes after ${after}, asked for those after ${cursor}`;
  } else {
    if (iat < position.signedAtS) return `core epoch ${coreEpoch} was signed before ${position.coreEpoch}`;
    if (after > cursor) return `the restored Core goes on after ${after}, but ${cursor} is the last that came`;
  }
  const gap = changes.findIndex(({ seq }, i) => seq !== after + 1 + i);
  if (gap >= 0) return `change ${changes[gap]?.seq} stands where ${after + 1 + gap} must be`;
  return head < after + changes.length ? `the head is ${head}, below the changes themselves` : null;
}

function onSignatureRefused({ memory }: DownIn<'asking'>, { detail }: DownEventOf<'signature-refused'>, env: DownEnv) {
  const [next, effects] = retryLater(memory, env, { code: 'SIG_INVALID', detail });
  return [next, [{ type: 'fetch-keyset' }, ...effects]] satisfies DownStep;
}

function onRefused({ memory }: DownIn<'asking'>, event: DownEventOf<'refused'>, env: DownEnv): DownStep {
  const { code, detail, retryAfterMs = 0 } = event;
  // A Core of the first version has no downlink: there is nothing to repair, and nothing to hurry for.
  if (code === 'NOT_FOUND') return wait(failed(memory, null), limits.syncBackoffMaxMs, true);
  const kind = refusalKind(code);
  if (kind === 'paused' || kind === 'forked' || kind === 'failed')
    return wait(failed(memory, { code, detail }), Math.max(limits.syncBackoffMaxMs, retryAfterMs), true);
  const pauseMs = backoffMs(memory.backoffStep, env.random);
  const problem = kind === 'busy' ? null : { code, detail };
  return wait(failed(memory, problem), Math.max(pauseMs, retryAfterMs), retryAfterMs > pauseMs);
}

function onApplied({ memory }: DownIn<'applying'>, { position, untold }: DownEventOf<'applied'>, env: DownEnv) {
  const next = { ...memory, position, untold };
  const { coreEpoch, cursor } = memory.position;
  // Position is what counts: a storage that says yes and moves nothing must not spin.
  if (position.cursor === cursor && position.coreEpoch === coreEpoch)
    return retryLater(next, env, { code: 'INTERNAL', detail: `applied, but the position stays ${cursor}` });
  const [state, effects] = askNext(next, env);
  return [state, [{ type: 'report', facts: factsOf(next) }, ...effects]] satisfies DownStep;
}

const factsOf = ({ position, lastAnswerAt, failures, problem }: DownMemory): DownFacts => ({
  position,
  lastAnswerAt,
  failures,
  problem,
});
