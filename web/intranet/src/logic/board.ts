import type { Board, OrderSummary, Stage } from '@sgp/shared/api/orders';

/** Where a card may go: a stage of the board, or off it. */
export type MoveTarget = {
  readonly to: string;
  readonly label: string;
  readonly kind: 'forward' | 'back' | 'here' | 'delivered' | 'cancelled';
  readonly stage: Stage | null;
};

/** The board with one card in another column, sorted by promise as the server sorts. The same board when nothing moves. */
export function moveCard(board: Board, orderId: string, to: string): Board {
  const order = findCard(board, orderId);
  if (!order || order.stage.key === to) return board;
  const target = board.columns.find(({ stage }) => stage.key === to)?.stage;
  const moved: OrderSummary | null = target
    ? { ...order, stage: { key: target.key, label: target.label }, status: target.status }
    : null;
  return {
    columns: board.columns.map((column) => {
      const rest = column.orders.filter((other) => other.orderId !== orderId);
      return { ...column, orders: moved && column.stage.key === to ? sortByPromise([...rest, moved]) : rest };
    }),
  };
}

/** Puts what the server answered in its place, wherever the card was drawn before. */
export function placeCard(board: Board, order: OrderSummary): Board {
  return {
    columns: board.columns.map((column) => {
      const rest = column.orders.filter((other) => other.orderId !== order.orderId);
      return {
        ...column,
        orders: column.stage.key === order.stage.key && isOnBoard(order) ? sortByPromise([...rest, order]) : rest,
      };
    }),
  };
}

export function findCard(board: Board, orderId: string): OrderSummary | null {
  for (const { orders } of board.columns) for (const order of orders) if (order.orderId === orderId) return order;
  return null;
}

/** Every place an order can be moved to from where it is, in the order of the board, the two exits last. */
export function moveTargets(
  stages: readonly Stage[],
  order: Pick<OrderSummary, 'stage' | 'status'>,
  names: { readonly delivered: string; readonly cancelled: string },
): MoveTarget[] {
  const here = isOnBoard(order) ? stages.findIndex(({ key }) => key === order.stage.key) : stages.length;
  const targets = stages.map(
    (stage, index): MoveTarget => ({
      to: stage.key,
      label: stage.label,
      kind: index === here ? 'here' : index < here ? 'back' : 'forward',
      stage,
    }),
  );
  if (order.status !== 'delivered')
    targets.push({ to: 'delivered', label: names.delivered, kind: 'delivered', stage: null });
  if (order.status !== 'cancelled')
    targets.push({ to: 'cancelled', label: names.cancelled, kind: 'cancelled', stage: null });
  return targets;
}

/** The one step the primary button offers: the next stage, and delivery after the last. Null when the order is closed. */
export function nextTarget(
  stages: readonly Stage[],
  order: Pick<OrderSummary, 'stage' | 'status'>,
  names: { readonly delivered: string; readonly cancelled: string },
): MoveTarget | null {
  if (!isOnBoard(order)) return null;
  const targets = moveTargets(stages, order, names);
  return targets.find(({ kind }) => kind === 'forward') ?? targets.find(({ kind }) => kind === 'delivered') ?? null;
}

/** The card that J/K reaches: down and up through the columns, column by column. */
export function walkCards(board: Board, fromId: string | null, step: 1 | -1): string | null {
  const ids = board.columns.flatMap(({ orders }) => orders.map(({ orderId }) => orderId));
  const at = fromId === null ? -1 : ids.indexOf(fromId);
  if (at === -1) return (step === 1 ? ids[0] : ids.at(-1)) ?? null;
  return ids[Math.min(ids.length - 1, Math.max(0, at + step))] ?? null;
}

/** The board with only the cards that pass. */
export function filterBoard(board: Board, passes: (order: OrderSummary) => boolean): Board {
  return { columns: board.columns.map((column) => ({ ...column, orders: column.orders.filter(passes) })) };
}

const isOnBoard = ({ status }: Pick<OrderSummary, 'status'>) => status !== 'delivered' && status !== 'cancelled';

function sortByPromise(orders: readonly OrderSummary[]): OrderSummary[] {
  return [...orders].sort(
    (a, b) => a.promisedAt - b.promisedAt || a.number.localeCompare(b.number, undefined, { numeric: true }),
  );
}
