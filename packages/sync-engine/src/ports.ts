import type { ErrorCode } from '@sgp/shared/errors';
import type { Change, ChangeOutcome, PushAck, StreamName } from '@sgp/shared/sync';
import type { Hello, HelloAnswer } from '@sgp/shared/sync-hello';

/** What the engine needs from the world. Every time is in ms since 1970, every duration in ms. */

/** A change as the outbox holds it: its payload stays the canonical JSON text over which `hash` was taken. */
export type OutboxChange = Omit<Change, 'payload'> & { readonly payload: string };

/** Names a change without carrying it. */
export type ChangeRef = Pick<OutboxChange, 'seq' | 'id' | 'stream' | 'entityId' | 'version'>;

export type EntityKey = Pick<OutboxChange, 'stream' | 'entityId'>;

/** Where a push came from: the queue, a group under suspicion, or an empty batch that asks whether the link is sound. */
export type PushOrigin = 'queue' | 'suspects' | 'probe';

/** How a push is written: for a Core that knows version 1 only, or with the name of the instance that speaks. */
export type PushWire = { readonly version: 1 } | ({ readonly version: 2 } & Pick<Hello, 'generation' | 'instanceId'>);

export type Push = {
  readonly wire: PushWire;
  readonly origin: PushOrigin;
  /** 0 is the lead: it carries what is live, and alone it judges failures. The others fill in the backlog beside it. */
  readonly channel: number;
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
  readonly channel: number;
  /** Streams to look into, the preferred first: the batch is of the first one that has something open. */
  readonly streams: readonly StreamName[];
  /** Only these entities, or null for the newest of the queue. */
  readonly only: readonly EntityKey[] | null;
  readonly maxChanges: number;
  /** Bytes of payload before compression; one change is always taken. */
  readonly maxBytes: number;
  /** Answer with an empty batch, of the first of `streams`, when nothing is open. */
  readonly heartbeat: boolean;
  /** The new push number must be above this one, and above every earlier one. */
  readonly pushSeqAbove: number;
};

export type Batch = Pick<Push, 'channel' | 'stream' | 'epoch' | 'pushSeq' | 'lowWaterSeq' | 'changes'> & {
  /** A limit cut the batch: another channel would find work. */
  readonly more: boolean;
};

export type ParkReason = { readonly code: ErrorCode; readonly detail: string };
export type ParkedChange = { readonly change: ChangeRef; readonly reason: ParkReason };

/** An acknowledgement as the edge stores it, in one transaction. */
export type Delivery = {
  readonly at: number;
  /** When its push was first sent, and when the Core committed it by its own clock. */
  readonly sentAt: number;
  readonly appliedAt: number;
  /** Each with what the Core did. Older versions of these entities are acknowledged with them. */
  readonly done: readonly { readonly change: ChangeRef; readonly outcome: Exclude<ChangeOutcome, 'parked'> }[];
  readonly parked: readonly ParkedChange[];
  readonly ackedSeq: number;
  /** Of the request's body, as it travelled. */
  readonly bytes: number;
  /** The edge's clock minus the Core's; null when this exchange does not tell. */
  readonly clockSkewMs: number | null;
  /** Versions that were shown to their customers, as the Core told. */
  readonly shown?: NonNullable<PushAck['shown']>;
};

/** What this disk is, for the handshake; `instanceId` and `generation` are those of this start. */
export type DiskIdentity = Pick<Hello, 'epoch' | 'parentEpoch' | 'generation' | 'instanceId' | 'lastSeq' | 'ackedSeq'>;

/** The durable queue of this node. A rejection of any call is a failure of the storage. */
export type OutboxPort = {
  /** As stored now. */
  identity(): Promise<DiskIdentity>;
  /** Begins a new epoch, durably: new push numbers, generation 1, the present epoch as its parent. The queue stays. */
  takeEpoch(): Promise<DiskIdentity>;
  /**
   * Reads a batch and gives it a push number that was never used before in its channel, even across a crash. Null: nothing
   * to send. Its entities are claimed for the channel until the channel's next `load` or its `release`: no other channel
   * is given them meanwhile, so that an entity is in flight once.
   */
  load(request: BatchRequest): Promise<Batch | null>;
  /** The channel ended without another load: what it had claimed is free again. */
  release(channel: number): void;
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
  /** With NODE_SUPERSEDED: the instance that the Core takes for the present one. */
  readonly presentInstance?: string;
};

/** What the next handshake says besides what the disk is. */
export type HelloRequest = Pick<Hello, 'superseded'> & { readonly sentAt: number; readonly signOffsetMs: number };

/** How a handshake ended; `unsupported`: the Core speaks version 1 only (it answers NOT_FOUND). */
export type HelloOutcome =
  | { readonly type: 'hello-answered'; readonly answer: HelloAnswer }
  | { readonly type: 'hello-unsupported' }
  | Exclude<PushOutcome, { readonly type: 'acked' }>;

/** The way to the Core. It never rejects and always answers within its own time limit. */
export type LinkPort = {
  hello(disk: DiskIdentity, request: HelloRequest): Promise<HelloOutcome>;
  push(push: Push): Promise<PushOutcome>;
};

/** How a comparison with the Core ended. `repaired`: entities that were queued again, or are to be written anew. */
export type CompareOutcome =
  | { readonly type: 'compared'; readonly repaired: number }
  | { readonly type: 'compare-failed'; readonly detail: string };

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
