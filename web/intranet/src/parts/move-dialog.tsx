import type { Stage } from '@sgp/shared/api/orders';
import type { OrderStatus } from '@sgp/shared/order-snapshot';
import { Dialog } from '@sgp/ui/dialog.tsx';
import { useState } from 'preact/hooks';
import { useApp } from '../app-context.ts';
import { moveTargets, nextTarget } from '../logic/board.ts';
import { useSavingOff } from './contact-notice.tsx';

type MoveDialogProps = {
  readonly order: {
    readonly number: string;
    readonly status: OrderStatus;
    readonly stage: { readonly key: string; readonly label: string };
  };
  readonly stages: readonly Stage[];
  readonly onMove: (to: string) => void;
  readonly onClose: () => void;
};

/** "Mover para…": the way that works with a finger, a keyboard and a screen reader. Dragging is its shortcut. */
export function MoveDialog({ order, stages, onMove, onClose }: MoveDialogProps) {
  const { t, words } = useApp();
  const { orders, common } = t.value;
  const names = { delivered: orders.moveDelivered, cancelled: orders.moveCancelled };
  const [chosen, setChosen] = useState(nextTarget(stages, order, names)?.to ?? null);
  const savingOff = useSavingOff();
  return (
    <Dialog
      title={orders.moveTitle(order.number)}
      onClose={onClose}
      onSubmit={() => {
        if (chosen !== null && chosen !== order.stage.key) onMove(chosen);
        onClose();
      }}
      footer={
        <>
          <button class="btn" type="button" onClick={onClose}>
            {common.cancel} <kbd>Esc</kbd>
          </button>
          <button
            class="btn primary"
            type="submit"
            disabled={savingOff || chosen === null || chosen === order.stage.key}
          >
            {orders.moveButton}
          </button>
        </>
      }
    >
      <div class="stack tight" role="radiogroup" aria-label={orders.moveTitle(order.number)}>
        {moveTargets(stages, order, names).map(({ to, label, kind, stage }) => {
          const hint =
            kind === 'here'
              ? orders.moveNow
              : kind === 'delivered' || kind === 'cancelled'
                ? orders.moveOff
                : [
                    kind === 'back' ? orders.moveBack : '',
                    stage ? orders.moveCustomerSees(words.value.orderStatus[stage.status]) : '',
                  ]
                    .filter(Boolean)
                    .join(' · ');
          return (
            <label class="choice compact" key={to}>
              <input
                type="radio"
                name="destino"
                checked={chosen === to}
                disabled={kind === 'here'}
                autofocus={chosen === to}
                onChange={() => setChosen(to)}
              />
              <span>
                {label}
                <small>{hint}</small>
              </span>
            </label>
          );
        })}
      </div>
    </Dialog>
  );
}
