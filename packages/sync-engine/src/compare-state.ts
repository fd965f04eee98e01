import type { Hlc } from '@sgp/shared/clock';
import type { StreamName } from '@sgp/shared/sync';
import type { DigestAnswer, DigestAsk, StreamDigest } from '@sgp/shared/sync-digest';
import type { BucketSum, DigestTree } from './digest.ts';

/** States, events and effects of the comparer (docs/sync-protocol.md §6.2). */

type WithoutSender<Ask> = Ask extends unknown
  ? Omit<Ask, 'schemaVersion' | 'companyId' | 'establishmentId' | 'nodeId' | 'sentAtMs'>
  : never;
/** A round as the comparer asks it; the link adds who asks. */
export type DigestQuestion = WithoutSender<DigestAsk>;

/** An entity of the edge, as the store reads it for a comparison. */
export type EdgeEntity = {
  readonly entityId: string;
  readonly bucket: number;
  readonly version: number;
  /** 32 hex digits, of the newest version. */
  readonly digest: string;
  /** Not acknowledged in its newest version, or parked: it is on its way and is not compared. */
  readonly open: boolean;
};
/** An entity of the Core that was looked up. */
export type CoreEntity = { readonly entityId: string; readonly version: number; readonly updatedAt: Hlc };

export type Found = { readonly requeued: number; readonly repairs: number; readonly unknown: number };

/** What is remembered through one comparison. */
export type Run = {
  /** Number of the last read or question; a reply to another one is late and says nothing. */
  readonly round: number;
  readonly asks: number;
  /** What the edge said of itself in the first round. */
  readonly roots: readonly StreamDigest[];
  /** Streams that differ and were not looked into yet. */
  readonly streamsLeft: readonly StreamName[];
  readonly found: Found;
};

/** One stream being narrowed down. */
type In = { readonly run: Run; readonly stream: StreamName };
/** Buckets that differ, in portions of one question; the first is the present one. */
type InBuckets = In & { readonly portions: readonly (readonly number[])[] };
export type Listing = { readonly bucket: number; readonly digests: readonly string[] };
export type Unknowns = { readonly bucket: number; readonly digests: readonly string[] };

export type CompareState =
  | { readonly phase: 'idle'; readonly round: number }
  | { readonly phase: 'reading-roots'; readonly run: Run }
  | { readonly phase: 'asking-roots'; readonly run: Run }
  | ({ readonly phase: 'reading-tree' } & In)
  | ({ readonly phase: 'asking-groups'; readonly tree: Pick<DigestTree, 'groups' | 'buckets'> } & In)
  | ({ readonly phase: 'asking-buckets'; readonly tree: Pick<DigestTree, 'groups' | 'buckets'> } & In)
  | ({ readonly phase: 'asking-entities' } & InBuckets)
  | ({ readonly phase: 'reading-entities'; readonly listed: readonly Listing[] } & InBuckets)
  | ({
      readonly phase: 'asking-unknown';
      readonly edge: readonly EdgeEntity[];
      /** Settled entities of the edge that the Core does not list. */
      readonly notListed: readonly EdgeEntity[];
      /** Questions that are left; the first one is asked. */
      readonly unknowns: readonly Unknowns[];
      readonly answers: readonly CoreEntity[];
    } & InBuckets);
export type ComparePhaseName = CompareState['phase'];
export type CompareIn<P extends ComparePhaseName> = Extract<CompareState, { phase: P }>;

export type CompareEvent =
  | { readonly type: 'start' }
  | { readonly type: 'roots-read'; readonly round: number; readonly roots: readonly StreamDigest[] }
  | {
      readonly type: 'tree-read';
      readonly round: number;
      readonly buckets: readonly (BucketSum & { readonly bucket: number })[];
    }
  | { readonly type: 'entities-read'; readonly round: number; readonly entities: readonly EdgeEntity[] }
  | { readonly type: 'answered'; readonly round: number; readonly answer: DigestAnswer }
  /** A read, a question or the storing of what was found failed. */
  | { readonly type: 'failed'; readonly detail: string }
  | { readonly type: 'stop' };
export type CompareEventType = CompareEvent['type'];
export type CompareEventOf<E extends CompareEventType> = Extract<CompareEvent, { type: E }>;

export type CompareOutcome =
  /** All roots are equal: a receipt was given. */
  | { readonly type: 'equal' }
  | ({ readonly type: 'found' } & Found)
  /** The roots differ by nothing but what is on its way. */
  | { readonly type: 'nothing-found' }
  | { readonly type: 'failed'; readonly detail: string }
  | { readonly type: 'stopped' };

/** To be performed one after the other; each `read-` and `ask` is replied to with its round, or with `failed`. */
export type CompareEffect =
  | { readonly type: 'read-roots'; readonly round: number }
  | { readonly type: 'read-tree'; readonly round: number; readonly stream: StreamName }
  /** All entities of these buckets, the open ones too. */
  | {
      readonly type: 'read-entities';
      readonly round: number;
      readonly stream: StreamName;
      readonly buckets: readonly number[];
    }
  | { readonly type: 'ask'; readonly round: number; readonly question: DigestQuestion }
  /** The Core lacks these versions: what is stored of them goes into the queue again. */
  | {
      readonly type: 'requeue';
      readonly stream: StreamName;
      readonly entities: readonly Pick<EdgeEntity, 'entityId' | 'version'>[];
    }
  /** The Core is ahead, or has another content under the same version: write anew above its version. */
  | {
      readonly type: 'repair';
      readonly stream: StreamName;
      readonly entities: readonly { readonly edgeVersion: number; readonly core: CoreEntity }[];
    }
  /** The Core has what the edge does not know. */
  | { readonly type: 'unknown'; readonly stream: StreamName; readonly entities: readonly CoreEntity[] }
  /** Sums differ although both sides list the same: the edge's own sums of these buckets are to be counted anew. */
  | { readonly type: 'recount'; readonly stream: StreamName; readonly buckets: readonly number[] }
  | { readonly type: 'receipt'; readonly receipt: string | null; readonly streams: readonly StreamDigest[] }
  | { readonly type: 'ended'; readonly outcome: CompareOutcome };
export type CompareStep = readonly [CompareState, readonly CompareEffect[]];
