import type { Database } from '@sgp/service-kit/database';
import type { OrderSnapshot } from '@sgp/shared/order-snapshot';

/** An order of one establishment; the three together are its key. */
export type OrderRef = { readonly companyId: string; readonly establishmentId: string; readonly orderId: string };

/** What a capability link opens now. */
export type LinkedOrder = {
  readonly snapshot: OrderSnapshot;
  readonly receivedAt: number;
  readonly link: LinkState;
  /** This version was served to its customer before. */
  readonly shown: boolean;
};

/** Where an order and its link stand: enough to decide what an open stream hears. */
export type LinkState = {
  readonly order: OrderRef;
  readonly version: number;
  /** Null when no link was issued, or it was revoked. */
  readonly tokenHash: string | null;
  /** Milliseconds; null for a link that does not end yet. */
  readonly expiresAt: number | null;
};

export type OrderStore = {
  /**
   * The order behind a link.
   * @returns undefined alike for a token that is unknown, revoked, replaced or expired
   */
  findByToken(tokenHash: string, nowMs: number): Promise<LinkedOrder | undefined>;
  /** The present state of an order's link; undefined for an order that is not here. */
  linkState(order: OrderRef): Promise<LinkState | undefined>;
};

type Row = {
  readonly company_id: string;
  readonly establishment_id: string;
  readonly order_id: string;
  readonly version: number;
  readonly token_hash: string | null;
  readonly link_expires_at: number | null;
  readonly received_at: number;
  readonly shown_at: number | null;
  readonly doc: string;
};
const linkColumns = [
  'company_id',
  'establishment_id',
  'order_id',
  'version',
  'token_hash',
  'link_expires_at',
] as const satisfies readonly (keyof Row)[];

export function createOrderStore(db: Database): OrderStore {
  return {
    async findByToken(tokenHash, nowMs) {
      // A token is 128 random bits, so a second order with its hash can only be a copy; the answer is always the same one.
      const row: Row | undefined = await db<Row>('orders')
        .where({ token_hash: tokenHash })
        .where((where) => where.whereNull('link_expires_at').orWhere('link_expires_at', '>', nowMs))
        .orderBy(['company_id', 'order_id'])
        .first();
      if (!row) return undefined;
      return {
        snapshot: JSON.parse(row.doc) as OrderSnapshot,
        receivedAt: row.received_at,
        link: toLinkState(row),
        shown: row.shown_at !== null,
      };
    },
    async linkState({ companyId, establishmentId, orderId }) {
      const row: Pick<Row, (typeof linkColumns)[number]> | undefined = await db<Row>('orders')
        .where({ company_id: companyId, establishment_id: establishmentId, order_id: orderId })
        .first(...linkColumns);
      return row && toLinkState(row);
    },
  };
}

const toLinkState = (row: Pick<Row, (typeof linkColumns)[number]>): LinkState => ({
  order: { companyId: row.company_id, establishmentId: row.establishment_id, orderId: row.order_id },
  version: row.version,
  tokenHash: row.token_hash,
  expiresAt: row.link_expires_at,
});

/** The state of a link as the snapshot that was just committed tells it. */
export function linkStateOf(snapshot: OrderSnapshot): LinkState {
  const { companyId, establishmentId, orderId, version, tracking } = snapshot;
  const open = tracking && tracking.revokedAt === undefined ? tracking : null;
  return {
    order: { companyId, establishmentId, orderId },
    version,
    tokenHash: open?.tokenHash ?? null,
    expiresAt: open?.expiresAt ? Date.parse(open.expiresAt) : null,
  };
}
