import type { ErrorCode } from '@sgp/shared/errors';
import type { Change, ChangeOutcome, PushAck, StreamName } from '@sgp/shared/sync';

/** What the engine needs from the world. Every time is in ms since 1970, every duration in ms. */

/** A change as the outbox holds it: its payload stays the canonical JSON text over which `hash` was taken. */
export type OutboxChange = Omit<Change, 'payload'> & { readonly payload: string };

/** Names a change without carrying it. */
export type ChangeRef = Pick<OutboxChange, 'seq' | 'id' | 'stream' | 'entityId' | 'version'>;

export type EntityKey = Pick<OutboxChange, 'stream' | 'entityId'>;

/** Where a push came from: the queue, a group under suspicion, or an empty batch that asks whether the link is sound. */
export type PushOrigin = 'queue' | 'suspects' | 'probe';

export type Push = {
  readonly origin: PushOrigin;
  readonly stream: StreamName;
  readonly epoch: string;
  readonly pushSeq: number;
  readonly lowWaterSeq: number;
  readonly sentAt: number;
  /** Newest first, at most one for each entity; empty is a heartbeat. */
  readonly changes: readonly OutboxChange[];
  /** 1 at first; a resend has the same bytes and the same idempotency key. */
  readonly attempt: number;
  /** Added to the wall clock when signing: what the Core taught about our clock. */
  readonly signOffsetMs: number;
};

export type BatchRequest = {
  readonly origin: PushOrigin;
  /** Only these entities, or null for the newest of the queue. */
  readonly only: readonly EntityKey[] | null;
  readonly maxChanges: number;
  /** Bytes of payload before compression; one change is always taken. */
  readonly maxBytes: number;
  /** Answer with an empty batch when nothing is open. */
  readonly heartbeat: boolean;
  /** The new push number must be above this one, and above every earlier one. */
  readonly pushSeqAbove: number;
};

export type Batch = Pick<Push, 'stream' | 'epoch' | 'pushSeq' | 'lowWaterSeq' | 'changes'>;

export type ParkReason = { readonly code: ErrorCode; readonly detail: string };
export type ParkedChange = { readonly change: ChangeRef; readonly reason: ParkReason };

/** An acknowledgement as the edge stores it, in one transaction. */
export type Delivery = {
  readonly at: number;
  /** Each with what the Core did. Older versions of these entities are acknowledged with them. */
  readonly done: readonly { readonly change: ChangeRef; readonly outcome: Exclude<ChangeOutcome, 'parked'> }[];
  readonly parked: readonly ParkedChange[];
  readonly ackedSeq: number;
  /** Of the request's body, as it travelled. */
  readonly bytes: number;
  /** The edge's clock minus the Core's; null when this exchange does not tell. */
  readonly clockSkewMs: number | null;
};

/** The durable queue of this node. A rejection of any call is a failure of the storage. */
export type OutboxPort = {
  /** Reads a batch and gives it a push number that was never used before, even across a crash. Null: nothing to send. */
  load(request: BatchRequest): Promise<Batch | null>;
  /** Stores an acknowledgement: what is done leaves the queue, what is parked stays aside with its reason. */
  deliver(delivery: Delivery): Promise<void>;
  /** Counts a failed attempt on each change. */
  countAttempt(changes: readonly ChangeRef[]): Promise<void>;
};

/** How a push ended. */
export type PushOutcome =
  /** `bytes`: of the request's body, as it travelled. */
  | { readonly type: 'acked'; readonly ack: PushAck; readonly bytes: number }
  | ({ readonly type: 'refused' } & Refusal)
  /** `mayHaveArrived`: the request was written, at least in part. */
  | { readonly type: 'network-failed'; readonly mayHaveArrived: boolean; readonly detail: string }
  | { readonly type: 'timeout' };

export type Refusal = {
  readonly code: ErrorCode;
  readonly detail: string;
  readonly retryAfterMs?: number;
  /** With SIG_CLOCK_SKEW: the Core's time. */
  readonly serverTimeMs?: number;
  /** With SEQ_STALE and IDEMPOTENCY_CONFLICT: the last push number that the Core took. */
  readonly lastPushSeq?: number;
};

/** The way to the Core. It never rejects and always answers within its own time limit. */
export type LinkPort = { push(push: Push): Promise<PushOutcome> };

/** What is known about the link; `status.ts` makes the sync state of it. */
export type LinkFacts = {
  /** Last exchange that the Core acknowledged; null before the first. */
  readonly lastAckAt: number | null;
  /** First failed attempt since then; null while the Core answers. */
  readonly offlineSince: number | null;
  /** Failed attempts in a row. */
  readonly failures: number;
  readonly clockSkewMs: number | null;
  readonly ackedSeq: number;
  /** Why nothing goes although the Core answers, or although the disk is there. */
  readonly blocked: ({ readonly kind: 'failed' | 'paused' } & ParkReason) | null;
};
