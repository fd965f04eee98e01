/** The filters of the list, as the address names them (a saved view is an address). */
export const ORDER_FILTERS = ['abertos', 'atrasados', 'hoje', 'prontos', 'entregues', 'cancelados', 'todos'] as const;
export type OrderFilter = (typeof ORDER_FILTERS)[number];

export const readFilter = (text: string | undefined): OrderFilter =>
  ORDER_FILTERS.find((known) => known === text) ?? 'abertos';

/** What the server is asked for. `hoje` is cut out of the open ones here, since only the shop's zone knows what today is. */
export function filterQuery(filter: OrderFilter): {
  readonly open?: '1';
  readonly late?: '1';
  readonly status?: string;
} {
  switch (filter) {
    case 'abertos':
    case 'hoje':
      return { open: '1' };
    case 'atrasados':
      return { late: '1' };
    case 'prontos':
      return { status: 'ready' };
    case 'entregues':
      return { status: 'delivered' };
    case 'cancelados':
      return { status: 'cancelled' };
    case 'todos':
      return {};
  }
}
