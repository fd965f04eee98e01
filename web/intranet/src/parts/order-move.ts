import type { Order } from '@sgp/shared/api/orders';
import type { App } from '../app-services.ts';
import { writeAsSeen } from '../logic/conflict.ts';

type MoveDeps = Pick<App, 'api' | 'toasts' | 't' | 'resources'>;
type Movable = {
  readonly orderId: string;
  readonly number: string;
  readonly version: number;
  readonly stageKey: string;
};

/**
 * Moves an order on the server and offers ten seconds to take it back. The undo is a move of its own, from the version
 * that this one made: if somebody moved the order since, the server refuses it and nothing of theirs is lost.
 * @param to stage key, `delivered` or `cancelled`
 * @param onUndone hears the order after the undo, or the error that kept it
 */
export async function moveWithUndo(
  deps: MoveDeps,
  order: Movable,
  to: string,
  onUndone: (result: Order | Error) => void,
): Promise<Order> {
  const { api, toasts, t } = deps;
  const moveFrom = (version: number, from: string, target: string) =>
    writeAsSeen(
      version,
      (expectedVersion) => api.moveOrder(order.orderId, { expectedVersion, to: target }),
      ({ stage }) => stage.key === from,
    );
  const moved = await moveFrom(order.version, order.stageKey, to);
  const { orders } = t.peek();
  const label =
    to === 'delivered' ? orders.moveDelivered : to === 'cancelled' ? orders.moveCancelled : moved.stage.label;
  toasts.show({
    icon: 'ok',
    text: orders.moved(order.number, label),
    undo: () => {
      moveFrom(moved.version, moved.stage.key, order.stageKey).then(
        (back) => {
          toasts.show({ icon: 'desfazer', text: orders.movedBack(order.number, back.stage.label) });
          onUndone(back);
        },
        (error: Error) => onUndone(error),
      );
    },
  });
  return moved;
}
