import { createHash } from 'node:crypto';

/** What a shop wrote during an outage: orders of about 800 bytes, each three times. */
export type Snapshot = {
  readonly orderId: string;
  readonly version: number;
  /** JSON text. */
  readonly payload: string;
};

export type Workload = {
  readonly orders: number;
  readonly revisions: number;
  /** In the order in which they were written: every first version, then every second one. */
  readonly snapshots: readonly Snapshot[];
  readonly bytes: number;
};

/** 10,000 orders × 3 revisions, the same at each call: 30,000 snapshots. */
export const createWorkload = (orders = 10_000, revisions = 3): Workload => workloadOf(0, orders, revisions);

/** Other orders, for what both sides do before the outage: a shop's programs have run for days when its line fails. */
export const createWarmUp = (): Workload => workloadOf(1_000_000, 3_000, 1);

function workloadOf(first: number, orders: number, revisions: number): Workload {
  const snapshots = Array.from({ length: orders * revisions }, (_, i) =>
    snapshotOf(first + (i % orders), Math.floor(i / orders) + 1),
  );
  const bytes = snapshots.reduce((sum, { payload }) => sum + Buffer.byteLength(payload), 0);
  return { orders, revisions, snapshots, bytes };
}

const statuses = ['received', 'approved', 'in_production', 'ready'] as const;
const things = ['Uniforme escolar', 'Faixa de lona', 'Placa de acrílico', 'Caixa de presente', 'Camiseta bordada'];

/** A form of UUID that sorts by its number. */
const idOf = (kind: number, n: number): string =>
  `0190${String(kind).padStart(4, '0')}-0000-7000-8000-${String(n).padStart(12, '0')}`;

function snapshotOf(n: number, version: number): Snapshot {
  const orderId = idOf(1, n);
  // Ids and hashes do not compress, words do: about as in a real order.
  const noise = createHash('sha256').update(`${n}/${version}`).digest('hex');
  const at = (hours: number): string =>
    new Date(Date.UTC(2026, 0, 5) + (n % 5000) * 60_000 + hours * 3_600_000).toJSON();
  const payload = JSON.stringify({
    schemaVersion: 1,
    orderId,
    version,
    number: String(2000 + n),
    customer: { customerId: idOf(2, n % 1500), firstName: `Cliente ${n % 1500}`, phoneLast4Hash: noise.slice(0, 48) },
    status: statuses[version % statuses.length],
    stage: { key: `stage_${version}`, label: 'Na costura' },
    items: [{ description: `${things[n % things.length]} ${n % 97}`, quantity: 1 + ((n * 7) % 40), unit: 'un' }],
    dates: { createdAt: at(0), approvedAt: at(4), promisedAt: at(120), promiseChanges: [] },
    timeline: Array.from({ length: version }, (_, i) => ({ status: statuses[i], at: at(i) })),
    money: { totalCents: 1000 + ((n * 37) % 90_000), paidCents: 0, currency: 'BRL' },
    tracking: { tokenHash: noise.slice(0, 43), expiresAt: at(2400) },
  });
  return { orderId, version, payload };
}
