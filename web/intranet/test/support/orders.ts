import type { OrderSummary, Stage } from '@sgp/shared/api/orders';

export const stages = [
  { key: 'recebido', label: 'Recebido', status: 'received' },
  { key: 'aprovado', label: 'Aprovado', status: 'approved' },
  { key: 'pronto', label: 'Pronto para retirar', status: 'ready' },
] as const satisfies readonly Stage[];

/** An order as the list shows it; only what a test is about is given. */
export function order(change: Partial<OrderSummary> = {}): OrderSummary {
  const number = change.number ?? '2847';
  return {
    orderId: `order-${number}`,
    number,
    version: 1,
    customer: { customerId: 'customer', name: 'Colégio Estrela do Vale', phone: null },
    status: 'received',
    stage: { key: stages[0].key, label: stages[0].label },
    title: 'Polo piquê',
    itemCount: 1,
    quantity: 120,
    promisedAt: 0,
    totalCents: 537_600,
    paidCents: 268_800,
    photoCount: 0,
    coverMediaId: null,
    synced: true,
    updatedAt: 0,
    ...change,
  };
}
