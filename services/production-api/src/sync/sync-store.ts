import type { Database } from '@sgp/service-kit/database';
import { newId } from '@sgp/service-kit/ids';
import type { SyncPage } from '@sgp/shared/api/shop';
import type { ErrorCode } from '@sgp/shared/errors';
import { limits } from '@sgp/shared/limits';
import { type Lane, lanes } from '@sgp/shared/sync';
import { receiptClaimsSchema } from '@sgp/shared/sync-digest';
import { readCounts } from '../outbox/outbox-head.ts';
import { listIncidents } from './incident-list.ts';

/** Why nothing goes although the cloud answers: `paused` ends by itself (licence, ban lifted), `failed` needs a person. */
export type Blockage = { readonly kind: 'failed' | 'paused'; readonly code: ErrorCode; readonly detail: string };

/** What is known of the deliveries; times in ms since 1970. */
export type DeliveryState = {
  readonly epoch: string;
  readonly ackedSeq: number;
  readonly lastAckAt: number | null;
  readonly offlineSince: number | null;
  readonly clockSkewMs: number | null;
  readonly blocked: Blockage | null;
  readonly totals: SyncPage['totals'];
};

export type Waiting = {
  readonly pendingChanges: number;
  readonly oldestPendingAt: number | null;
  readonly parkedChanges: number;
  /** Changes of the Core that could not be applied here. */
  readonly parkedDown: number;
  readonly pendingMedia: number;
};

export type SyncStore = {
  deliveryState(): Promise<DeliveryState>;
  /** What waits for the cloud at this moment. */
  waiting(): Promise<Waiting>;
  /** Lists of the sync page, each at most `limits.pageMaxRows`. */
  lists(): Promise<Pick<SyncPage, 'pending' | 'parked' | 'incidents'>>;
  lanes(): Promise<SyncPage['lanes']>;
  receipt(): Promise<SyncPage['receipt']>;
  /** Notes since when the cloud is out of reach and what blocks; an acknowledgement clears both. */
  saveTrouble(trouble: Pick<DeliveryState, 'offlineSince' | 'blocked'>): Promise<void>;
  /** Writes that an outage began, once: while one is open this only raises its peak. */
  openIncident(incident: {
    readonly cause: string;
    readonly startedAt: number;
    readonly pendingChanges: number;
  }): Promise<void>;
  /** Writes that the open outage ended; false when none was open. */
  closeIncident(endedAt: number): Promise<boolean>;
};

const isOpen = { ended_at: null };

/** Reads and writes what the edge knows about its deliveries. The tables are those of migration 0003, and `media`. */
export function createSyncStore(db: Database): SyncStore {
  return {
    async deliveryState() {
      const row = await db('sync_state').where({ id: 1 }).first();
      return {
        epoch: row.epoch,
        ackedSeq: row.acked_seq,
        lastAckAt: row.last_ack_at,
        offlineSince: row.offline_since,
        clockSkewMs: row.clock_skew_ms,
        blocked:
          row.blocked_kind === null
            ? null
            : { kind: row.blocked_kind, code: row.blocked_code, detail: row.blocked_detail },
        totals: { batches: row.batches, changesAcked: row.changes_acked, bytesSent: row.bytes_sent },
      };
    },
    async waiting() {
      const { openByLane, parked } = await readCounts(db);
      const oldest = await Promise.all(lanes.map((lane) => oldestAt(db, lane)));
      const media = await db('media').whereNotIn('state', ['published', 'refused']).count({ n: '*' }).first();
      const down = await db('inbox_parked').count({ n: '*' }).first();
      const times = oldest.filter((at) => at !== null);
      return {
        pendingChanges: lanes.reduce<number>((sum, lane) => sum + openByLane[lane], 0),
        oldestPendingAt: times.length === 0 ? null : Math.min(...times),
        parkedChanges: parked,
        parkedDown: Number(down?.['n']),
        pendingMedia: Number(media?.['n']),
      };
    },
    async lists() {
      const rows = () => db('outbox').orderBy('seq', 'desc').limit(limits.pageMaxRows);
      return {
        pending: (await rows().whereNull('parked_at')).map((row) => ({
          ...whatItIs(row),
          stream: row.stream,
          version: row.version,
          at: row.created_at,
          attempts: row.attempts,
        })),
        parked: (await rows().whereNotNull('parked_at')).map((row) => {
          const { customer: _, ...what } = whatItIs(row);
          return {
            ...what,
            stream: row.stream,
            code: row.parked_code,
            detail: row.parked_detail,
            at: row.parked_at,
          };
        }),
        incidents: await listIncidents(db),
      };
    },
    async lanes() {
      const { openByLane } = await readCounts(db);
      return Promise.all(
        lanes.map(async (lane) => ({ lane, pending: openByLane[lane], oldestAt: await oldestAt(db, lane) })),
      );
    },
    async receipt() {
      const row = await db('sync_receipts').orderBy('received_at', 'desc').first();
      if (!row) return null;
      // Its signature was verified when it was stored.
      const claims = receiptClaimsSchema.parse(
        JSON.parse(Buffer.from(row.receipt.split('.')[1], 'base64url').toString()),
      );
      return { at: row.received_at, streams: claims.streams.map(({ stream, rows }) => ({ stream, rows })) };
    },
    async saveTrouble({ offlineSince, blocked }) {
      await db('sync_state')
        .where({ id: 1 })
        .update({
          offline_since: offlineSince,
          blocked_kind: blocked?.kind ?? null,
          blocked_code: blocked?.code ?? null,
          blocked_detail: blocked?.detail ?? null,
        });
    },
    async openIncident({ cause, startedAt, pendingChanges }) {
      await db.transaction(async (tx) => {
        const open = await tx('sync_incidents').where(isOpen).first('id', 'peak_pending');
        if (!open)
          await tx('sync_incidents').insert({
            id: newId(),
            cause,
            started_at: startedAt,
            peak_pending: pendingChanges,
            sent: 0,
          });
        else if (pendingChanges > open.peak_pending)
          await tx('sync_incidents').where({ id: open.id }).update({ peak_pending: pendingChanges });
      });
    },
    async closeIncident(endedAt) {
      const closed = await db('sync_incidents')
        .where(isOpen)
        .update({ ended_at: db.raw('case when started_at > ? then started_at else ? end', [endedAt, endedAt]) });
      return closed > 0;
    },
  };
}

/** Of what waits in a lane; its index leads there, however much waits. */
async function oldestAt(db: Database, lane: Lane): Promise<number | null> {
  const row = await db('outbox').where({ lane }).whereNull('parked_at').orderBy('seq').first('created_at');
  return row?.created_at ?? null;
}

type OutboxRow = { readonly seq: number; readonly entity_id: string; readonly payload: string };

/** What a change is of, as it names itself: right even when the thing is gone from the tables. */
function whatItIs(row: OutboxRow) {
  const payload = JSON.parse(row.payload) as { number?: string; name?: string; customer?: { firstName?: string } };
  return {
    seq: row.seq,
    orderId: row.entity_id,
    number: payload.number ?? '',
    customer: payload.customer?.firstName ?? '',
    name: payload.name ?? null,
  };
}
