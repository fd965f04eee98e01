import type { Database } from '@sgp/service-kit/database';
import type { PushAck } from '@sgp/shared/sync';
import type { Purger } from '../housekeeping.ts';
import type { Tenant } from '../ingest/check-change.ts';
import { mirrorLimits } from '../mirror-limits.ts';
import type { OrderRef } from '../orders/order-store.ts';

/** The hops of one version of an order on the Core, in milliseconds; the request id is that of the edge. */
export type TrailEntry = {
  readonly version: number;
  readonly requestId: string | null;
  readonly receivedAt: number;
  /** Null for what came before this was noted. */
  readonly appliedAt: number | null;
  readonly shownAt: number | null;
};

/** What became of the versions of an order: those that were shown, and the one that stands. */
export type TrailStore = Purger & {
  /** Notes that a version was served to its customer; only the first time counts. */
  shown(order: OrderRef, version: number, nowMs: number): Promise<void>;
  /** Oldest version first. */
  of(order: OrderRef): Promise<readonly TrailEntry[]>;
};

type Row = {
  readonly version: number;
  readonly request_id: string | null;
  readonly received_at: number;
  readonly applied_at: number | null;
  readonly shown_at: number | null;
};
const hops = ['version', 'request_id', 'received_at', 'applied_at', 'shown_at'] as const;
/** Not told yet: later than any time. */
const notTold = Number.MAX_SAFE_INTEGER;

const keyOf = ({ companyId, establishmentId, orderId }: OrderRef) => ({
  company_id: companyId,
  establishment_id: establishmentId,
  order_id: orderId,
});

export function createTrailStore(db: Database): TrailStore {
  return {
    shown: (order, version, nowMs) =>
      db.transaction(async (tx) => {
        const [row]: readonly Row[] = await tx('orders')
          .where({ ...keyOf(order), version })
          .whereNull('shown_at')
          .update({ shown_at: nowMs })
          .returning([...hops]);
        if (row)
          await tx('order_trail')
            .insert({ ...keyOf(order), ...row, tell_until: notTold })
            .onConflict(['company_id', 'establishment_id', 'order_id', 'version'])
            .ignore();
      }),
    async of(order) {
      const before: readonly Row[] = await db('order_trail')
        .where(keyOf(order))
        .orderBy('version')
        .select(...hops);
      const standing: Row | undefined = await db('orders')
        .where(keyOf(order))
        .first(...hops);
      const rows = [...before.filter(({ version }) => version !== standing?.version), ...(standing ? [standing] : [])];
      return rows.map(toEntry);
    },
    async purge(nowMs) {
      await db('order_trail')
        .where('shown_at', '<', nowMs - mirrorLimits.trailKeptDays * 24 * 60 * 60_000)
        .delete();
    },
  };
}

const toEntry = (row: Row): TrailEntry => ({
  version: row.version,
  requestId: row.request_id,
  receivedAt: row.received_at,
  appliedAt: row.applied_at,
  shownAt: row.shown_at,
});

/**
 * What an acknowledgement tells of showings, in its transaction. An answer may be lost on its way, so each is told again
 * for a while; the edge takes it once.
 */
export async function takeShown(tx: Database, tenant: Tenant, nowMs: number): Promise<NonNullable<PushAck['shown']>> {
  const of = { company_id: tenant.companyId, establishment_id: tenant.establishmentId };
  const rows: readonly { order_id: string; version: number; shown_at: number; tell_until: number }[] = await tx(
    'order_trail',
  )
    .where(of)
    .where('tell_until', '>', nowMs)
    .orderBy('tell_until', 'desc')
    .limit(mirrorLimits.shownPerAckMax)
    .select('order_id', 'version', 'shown_at', 'tell_until');
  const first = rows.filter(({ tell_until }) => tell_until === notTold);
  if (first.length > 0)
    await tx('order_trail')
      .where(of)
      .where('tell_until', notTold)
      .whereIn(
        'order_id',
        first.map(({ order_id }) => order_id),
      )
      .update({ tell_until: nowMs + mirrorLimits.shownToldForMs });
  return rows.map(({ order_id, version, shown_at }) => ({ entityId: order_id, version, at: shown_at }));
}
