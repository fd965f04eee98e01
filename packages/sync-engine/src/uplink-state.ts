import type { ErrorCode } from '@sgp/shared/errors';
import { limits } from '@sgp/shared/limits';
import type { PushAck } from '@sgp/shared/sync';
import type {
  Batch,
  BatchRequest,
  ChangeRef,
  Delivery,
  EntityKey,
  LinkFacts,
  ParkedChange,
  Push,
  PushOrigin,
  Refusal,
} from './ports.ts';

/** States, events and effects of the uplink (docs/sync-protocol.md §3). */

/** What is remembered from state to state. */
export type Memory = LinkFacts & {
  /** Grows after each acknowledgement, halves when a batch fails on the way. */
  readonly batchMaxChanges: number;
  readonly backoffStep: number;
  /** Answers INTERNAL in a row. */
  readonly serverFaults: number;
  /** Push numbers refused in a row. */
  readonly renumberings: number;
  /** Refusals in a row that asked for the same push again. */
  readonly repeats: number;
  readonly pushSeqAbove: number;
  readonly signOffsetMs: number;
  /** An exchange was acknowledged since the start: until then a heartbeat is due. */
  readonly exchanged: boolean;
  /** Groups of entities among which a refused one hides, the next to be tried first. */
  readonly suspects: readonly (readonly EntityKey[])[];
  /** Refused when it was sent alone. It is parked once an empty batch shows that the link itself is sound. */
  readonly accused: ParkedChange | null;
};

export type PhaseState =
  | { readonly phase: 'idle' }
  | { readonly phase: 'loading'; readonly origin: PushOrigin; readonly rung: boolean }
  | { readonly phase: 'pushing'; readonly push: Push }
  | { readonly phase: 'storing' }
  | {
      readonly phase: 'waiting';
      /** Sent again as it is; null: a new batch is loaded. */
      readonly resend: Push | null;
      /** A doorbell does not shorten the wait: the Core said when, or a person must act. */
      readonly patient: boolean;
      readonly since: number;
      readonly until: number;
    }
  | { readonly phase: 'stopped' };
export type Phase = PhaseState['phase'];
export type UplinkState = { readonly memory: Memory } & PhaseState;
export type StateIn<P extends Phase> = { readonly memory: Memory } & Extract<PhaseState, { phase: P }>;

export type UplinkEvent =
  | { readonly type: 'start' }
  | { readonly type: 'doorbell' }
  | { readonly type: 'poll-due' }
  | { readonly type: 'retry-due' }
  | { readonly type: 'batch-loaded'; readonly batch: Batch }
  | { readonly type: 'nothing-loaded' }
  | { readonly type: 'acked'; readonly ack: PushAck; readonly bytes: number }
  | { readonly type: 'stored' }
  | ({ readonly type: 'refused' } & Refusal)
  | { readonly type: 'network-failed'; readonly mayHaveArrived: boolean; readonly detail: string }
  | { readonly type: 'timeout' }
  | { readonly type: 'storage-failed'; readonly code: ErrorCode; readonly detail: string }
  | { readonly type: 'network-changed' }
  | { readonly type: 'stop' };
export type EventType = UplinkEvent['type'];
export type EventOf<E extends EventType> = Extract<UplinkEvent, { type: E }>;

export type Effect =
  | { readonly type: 'load-batch'; readonly request: BatchRequest }
  | { readonly type: 'push'; readonly push: Push }
  | { readonly type: 'deliver'; readonly delivery: Delivery }
  | { readonly type: 'count-attempt'; readonly changes: readonly ChangeRef[] }
  /** Replaces the timer that runs, if any. */
  | { readonly type: 'schedule'; readonly timer: 'poll-due' | 'retry-due'; readonly delayMs: number }
  | { readonly type: 'report'; readonly facts: LinkFacts };

/** What a step may know of the world: the wall clock in ms since 1970 and a random number in [0, 1). */
export type Env = { readonly now: number; readonly random: number };
export type Step = readonly [UplinkState, readonly Effect[]];

/** Where the uplink begins, from what the last run stored. */
export function initialUplink(
  stored: Pick<LinkFacts, 'lastAckAt' | 'offlineSince' | 'clockSkewMs' | 'ackedSeq' | 'blocked'>,
): UplinkState {
  return {
    phase: 'idle',
    memory: {
      ...stored,
      // An outage that the last run saw goes on until the Core answers.
      failures: stored.offlineSince === null ? 0 : 2,
      batchMaxChanges: limits.syncBatchMaxChanges,
      backoffStep: 0,
      serverFaults: 0,
      renumberings: 0,
      repeats: 0,
      pushSeqAbove: 0,
      signOffsetMs: 0,
      exchanged: false,
      suspects: [],
      accused: null,
    },
  };
}

export const factsOf = (memory: Memory): LinkFacts => ({
  lastAckAt: memory.lastAckAt,
  offlineSince: memory.offlineSince,
  failures: memory.failures,
  clockSkewMs: memory.clockSkewMs,
  ackedSeq: memory.ackedSeq,
  blocked: memory.blocked,
});
