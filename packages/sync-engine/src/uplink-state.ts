import type { ErrorCode } from '@sgp/shared/errors';
import { limits } from '@sgp/shared/limits';
import { type PushAck, type StreamName, syncChannelsMax } from '@sgp/shared/sync';
import type { HelloAnswer } from '@sgp/shared/sync-hello';
import type {
  Batch,
  BatchRequest,
  ChangeRef,
  CompareOutcome,
  Delivery,
  DiskIdentity,
  EntityKey,
  HelloRequest,
  LinkFacts,
  ParkedChange,
  Push,
  PushOrigin,
  PushWire,
  Refusal,
} from './ports.ts';

/** States, events and effects of the uplink (docs/sync-protocol.md §3). */

/** Channel 0: it carries what is live, and alone it judges failures. */
export const leadChannel = 0;
/** The other channels fill in the backlog. */
export const helperChannels: readonly number[] = Array.from({ length: syncChannelsMax - 1 }, (_, i) => i + 1);

export type HelperPhaseState =
  | { readonly phase: 'off' }
  | { readonly phase: 'loading' }
  | { readonly phase: 'pushing'; readonly push: Push }
  | { readonly phase: 'storing'; readonly stream: StreamName };
export type HelperPhase = HelperPhaseState['phase'];
/** `ticks`: of the watchdog, since this channel last stored an acknowledgement. */
export type Helper = { readonly channel: number; readonly ticks: number } & HelperPhaseState;
export type HelperIn<P extends HelperPhase> = Helper & Extract<HelperPhaseState, { phase: P }>;

/** What is remembered from state to state. */
export type Memory = LinkFacts & {
  /** Of the lead and of each helper: grows with full batches that went well, halves when one failed or took long. */
  readonly batchMaxChanges: number;
  readonly helperMaxChanges: number;
  /** The last push of a helper took long: one helper is enough for this line. */
  readonly slow: boolean;
  readonly backoffStep: number;
  /** Answers INTERNAL in a row. */
  readonly serverFaults: number;
  /** Push numbers refused in a row. */
  readonly renumberings: number;
  /** Refusals in a row that asked for the same push again. */
  readonly repeats: number;
  /** By channel. */
  readonly pushSeqAbove: readonly number[];
  readonly signOffsetMs: number;
  /** How pushes are written, as the last handshake taught. */
  readonly wire: PushWire;
  /** When the handshake succeeded; null: it is due before the next push. */
  readonly greetedAt: number | null;
  /** Who took this instance's place, as the Core told: the next handshake says it. */
  readonly superseded: string | null;
  /** New epochs taken since the last acknowledgement. */
  readonly epochsTaken: number;
  /** The lead was acknowledged since the start, the last failure of any channel and the last change of network. */
  readonly exchanged: boolean;
  /** Groups of entities among which a refused one hides, the next to be tried first. */
  readonly suspects: readonly (readonly EntityKey[])[];
  /** Refused when it was sent alone. It is parked once an empty batch shows that the link itself is sound. */
  readonly accused: ParkedChange | null;
  readonly helpers: readonly Helper[];
  /** Batches that helpers asked for: their order of streams turns with it. */
  readonly helperTurn: number;
  /** Batches in a row with which the lead found work. */
  readonly busyTurns: number;
  readonly comparing: boolean;
  /** 0: as soon as the queue allows it. */
  readonly compareDueAt: number;
  /** Of the watchdog, while the lead has something under way and stores no acknowledgement. */
  readonly stalledTicks: number;
};

export type PhaseState =
  | { readonly phase: 'idle' }
  | { readonly phase: 'greeting'; readonly sentAt: number; readonly attempt: number }
  | { readonly phase: 'renewing' }
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
/** Of the lead. */
export type Phase = PhaseState['phase'];
export type UplinkState = { readonly memory: Memory } & PhaseState;
export type StateIn<P extends Phase> = { readonly memory: Memory } & Extract<PhaseState, { phase: P }>;

/** How what a channel had under way ended. */
export type ChannelEvent =
  | { readonly type: 'batch-loaded'; readonly batch: Batch }
  | { readonly type: 'nothing-loaded' }
  | { readonly type: 'acked'; readonly ack: PushAck; readonly bytes: number }
  | { readonly type: 'stored' }
  | ({ readonly type: 'refused' } & Refusal)
  | { readonly type: 'network-failed'; readonly mayHaveArrived: boolean; readonly detail: string }
  | { readonly type: 'timeout' }
  | { readonly type: 'storage-failed'; readonly code: ErrorCode; readonly detail: string };
export type ChannelEventType = ChannelEvent['type'];

/** What the lead hears; also how its handshake ended. */
export type LeadEvent =
  | ChannelEvent
  | CompareOutcome
  | { readonly type: 'start' }
  | { readonly type: 'doorbell' }
  | { readonly type: 'poll-due' }
  | { readonly type: 'retry-due' }
  | { readonly type: 'watch-due' }
  | { readonly type: 'hello-answered'; readonly answer: HelloAnswer; readonly disk: DiskIdentity }
  | { readonly type: 'hello-unsupported' }
  | { readonly type: 'epoch-taken' }
  | { readonly type: 'network-changed' }
  | { readonly type: 'stop' };
export type EventType = LeadEvent['type'];
export type EventOf<E extends EventType> = Extract<LeadEvent, { type: E }>;

export type UplinkEvent =
  | LeadEvent
  | { readonly type: 'helper'; readonly channel: number; readonly event: ChannelEvent };

/**
 * Each channel has at most one of `hello`, `take-epoch`, `load-batch`, `push` and `deliver` under way; once the channel
 * begins another, the end of the one before is told to nobody.
 */
export type Effect =
  | { readonly type: 'hello'; readonly request: HelloRequest }
  | { readonly type: 'take-epoch' }
  | { readonly type: 'load-batch'; readonly request: BatchRequest }
  | { readonly type: 'push'; readonly push: Push }
  | { readonly type: 'deliver'; readonly channel: number; readonly delivery: Delivery }
  | { readonly type: 'release'; readonly channel: number }
  | { readonly type: 'count-attempt'; readonly changes: readonly ChangeRef[] }
  /** Tears down every connection to the Core. */
  | { readonly type: 'reset-link' }
  | { readonly type: 'compare' }
  /** Replaces the timer of this name, if it runs. */
  | { readonly type: 'schedule'; readonly timer: TimerName; readonly delayMs: number }
  | { readonly type: 'report'; readonly facts: LinkFacts };
export type TimerName = 'poll-due' | 'retry-due' | 'watch-due';

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
      batchMaxChanges: limits.syncLiveBatchMaxChanges,
      helperMaxChanges: limits.syncBatchMaxChanges,
      slow: false,
      backoffStep: 0,
      serverFaults: 0,
      renumberings: 0,
      repeats: 0,
      pushSeqAbove: noPushSeqs,
      signOffsetMs: 0,
      wire: { version: 1 },
      greetedAt: null,
      superseded: null,
      epochsTaken: 0,
      exchanged: false,
      suspects: [],
      accused: null,
      helpers: helperChannels.map((channel) => ({ channel, ticks: 0, phase: 'off' })),
      helperTurn: 0,
      busyTurns: 0,
      comparing: false,
      compareDueAt: 0,
      stalledTicks: 0,
    },
  };
}

export const noPushSeqs: readonly number[] = Array.from({ length: syncChannelsMax }, () => 0);

export const factsOf = (memory: Memory): LinkFacts => ({
  lastAckAt: memory.lastAckAt,
  offlineSince: memory.offlineSince,
  failures: memory.failures,
  clockSkewMs: memory.clockSkewMs,
  ackedSeq: memory.ackedSeq,
  blocked: memory.blocked,
});

export const withMemory = (state: UplinkState, memory: Memory): UplinkState => ({ ...state, memory });
