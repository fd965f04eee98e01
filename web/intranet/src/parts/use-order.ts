import type { Order } from '@sgp/shared/api/orders';
import { useApp, useResource } from '../app-context.ts';
import type { Resource } from '../resources.ts';

/** One order, fetched again whenever it or one of its photos changed. Every screen of an order shares it. */
export function useOrder(orderId: string): Resource<Order> {
  const { api } = useApp();
  return useResource<Order>(
    `order:${orderId}`,
    () => api.order(orderId),
    (name, data) =>
      (name === 'order.changed' || name === 'media.changed') &&
      (data as { readonly orderId: string }).orderId === orderId,
  );
}
