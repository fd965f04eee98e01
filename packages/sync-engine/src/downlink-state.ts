import type { ErrorCode } from '@sgp/shared/errors';
import type { ChangesAsk, ChangesClaims, DownChange } from '@sgp/shared/sync-downlink';
import type { ParkReason } from './ports.ts';

/** States, events and effects of the downlink (docs/sync-protocol.md §7). */

/** A change that this edge could not apply, to be told to the Core. */
export type ParkedDown = ChangesAsk['parked'][number];

/** Up to where the Core's changes are applied or parked here; stored in the transaction that applies them. */
export type DownPosition = {
  /** Null before the first answer. */
  readonly coreEpoch: string | null;
  readonly cursor: number;
  /** When the Core signed the answer that brought us here (`iat`, in seconds); 0 before the first. */
  readonly signedAtS: number;
};

export type DownFacts = {
  readonly position: DownPosition;
  /** Last good answer, in ms; null before the first. */
  readonly lastAnswerAt: number | null;
  /** Bad ends in a row. */
  readonly failures: number;
  /** Why nothing comes although the Core answers; null while it comes. */
  readonly problem: ParkReason | null;
};

export type DownMemory = DownFacts & {
  readonly backoffStep: number;
  /** What is parked and was not told to the Core, oldest first. */
  readonly untold: readonly ParkedDown[];
};

export type DownlinkState = { readonly memory: DownMemory } & (
  | { readonly phase: 'idle' }
  | {
      readonly phase: 'asking';
      readonly since: number;
      readonly waitMs: number;
      readonly told: readonly ParkedDown[];
    }
  | { readonly phase: 'applying' }
  /** `patient`: another network does not shorten it, because the Core said when, or a person must act. */
  | { readonly phase: 'waiting'; readonly patient: boolean }
  | { readonly phase: 'stopped' }
);
export type DownPhase = DownlinkState['phase'];
export type DownIn<P extends DownPhase> = Extract<DownlinkState, { phase: P }>;

export type DownEvent =
  | { readonly type: 'start' }
  | { readonly type: 'network-changed' }
  | { readonly type: 'retry-due' }
  /** Its signature, issuer and audience hold. */
  | {
      readonly type: 'answered';
      readonly claims: Pick<ChangesClaims, 'iat' | 'coreEpoch' | 'after' | 'head' | 'changes'>;
    }
  /** The Core's signature does not hold, or its key is not in the keyset. */
  | { readonly type: 'signature-refused'; readonly detail: string }
  | { readonly type: 'refused'; readonly code: ErrorCode; readonly detail: string; readonly retryAfterMs?: number }
  | { readonly type: 'network-failed'; readonly detail: string }
  | { readonly type: 'timeout' }
  /** Committed: the position, and everything parked that the Core was not told, as both are stored now. */
  | { readonly type: 'applied'; readonly position: DownPosition; readonly untold: readonly ParkedDown[] }
  | { readonly type: 'storage-failed'; readonly code: ErrorCode; readonly detail: string }
  | { readonly type: 'stop' };
export type DownEventType = DownEvent['type'];
export type DownEventOf<E extends DownEventType> = Extract<DownEvent, { type: E }>;

export type DownEffect =
  | {
      readonly type: 'ask';
      readonly ask: Pick<ChangesAsk, 'coreEpoch' | 'cursor' | 'waitMs'> & { readonly parked: readonly ParkedDown[] };
    }
  /**
   * In one transaction: the changes in their order by `inbox-down.ts`, what cannot be applied parked, and the position.
   * Where the stored position is not `from`, an earlier transaction was committed unheard: then it does nothing.
   */
  | {
      readonly type: 'apply';
      readonly from: DownPosition;
      readonly to: DownPosition;
      readonly changes: readonly DownChange[];
    }
  /** The Core knows of these now: they are told no more. */
  | { readonly type: 'parked-told'; readonly parked: readonly ParkedDown[] }
  /** A newer keyset may hold the key. */
  | { readonly type: 'fetch-keyset' }
  /** Replaces the timer that runs, if any. */
  | { readonly type: 'schedule'; readonly timer: 'retry-due'; readonly delayMs: number }
  | { readonly type: 'report'; readonly facts: DownFacts };

/** Wall clock in ms since 1970, and a random number in [0, 1). */
export type DownEnv = { readonly now: number; readonly random: number };
export type DownStep = readonly [DownlinkState, readonly DownEffect[]];

/** Where the downlink begins, from what the last run stored. */
export const initialDownlink = (
  position: DownPosition,
  untold: readonly ParkedDown[],
  lastAnswerAt: number | null,
): DownlinkState => ({
  phase: 'idle',
  memory: { position, lastAnswerAt, failures: 0, problem: null, backoffStep: 0, untold },
});
