import type { OrderSummary } from '@sgp/shared/api/orders';
import { useState } from 'preact/hooks';
import { asApiError } from '../api-error.ts';
import { useApp, useResource } from '../app-context.ts';
import { nextTarget } from '../logic/board.ts';
import { useSavingOff } from './contact-notice.tsx';
import { useErrorText } from './failure.tsx';
import { moveWithUndo } from './order-move.ts';

export type NextMove = {
  readonly label: string;
  readonly act: () => void;
  readonly isBusy: boolean;
  readonly isOff: boolean;
};

/** The button that takes an order one stage on, with undo. Null when there is no further stage. */
export function useNextMove(order: OrderSummary): NextMove | null {
  const app = useApp();
  const { api, t, toasts, resources } = app;
  const settings = useResource('settings', api.settings);
  const [isBusy, setBusy] = useState(false);
  const isOff = useSavingOff();
  const errorText = useErrorText();
  const { orders } = t.value;
  const target = nextTarget(settings.data.value?.stages ?? [], order, {
    delivered: orders.moveDelivered,
    cancelled: orders.moveCancelled,
  });
  if (!target) return null;
  const refresh = () => Promise.all([resources.refresh('today'), resources.refresh('board')]);
  const act = () => {
    if (isBusy) return;
    setBusy(true);
    void moveWithUndo(
      app,
      { orderId: order.orderId, number: order.number, version: order.version, stageKey: order.stage.key },
      target.to,
      () => void refresh(),
    )
      .catch((cause: unknown) =>
        toasts.show({
          icon: 'alerta',
          text: `${orders.moveFailed(order.number)}. ${errorText(asApiError(cause).code)}`,
        }),
      )
      .then(refresh)
      .finally(() => setBusy(false));
  };
  return { label: target.kind === 'delivered' ? orders.deliver : orders.moveShort(target.label), act, isBusy, isOff };
}
