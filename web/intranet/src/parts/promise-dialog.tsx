import type { Order } from '@sgp/shared/api/orders';
import { limits } from '@sgp/shared/limits';
import { Dialog } from '@sgp/ui/dialog.tsx';
import { useState } from 'preact/hooks';
import { type ApiError, asApiError } from '../api-error.ts';
import { useApp } from '../app-context.ts';
import { writeAsSeen } from '../logic/conflict.ts';
import { msToWallClock, wallClockToMs } from '../logic/wall-clock.ts';
import { useSavingOff } from './contact-notice.tsx';
import { Failure } from './failure.tsx';
import { Field, TextField } from './field.tsx';

type PromiseDialogProps = {
  readonly order: {
    readonly orderId: string;
    readonly number: string;
    readonly version: number;
    readonly promisedAt: number;
  };
  readonly onClose: () => void;
  readonly onChanged?: (order: Order) => void;
};

const REASON_MIN_CHARS = 3;

/** A changed promise carries a reason that the customer reads: old date, new date and why. */
export function PromiseDialog({ order, onClose, onChanged }: PromiseDialogProps) {
  const { api, session, toasts, resources, t, format, now } = useApp();
  const { orders, common } = t.value;
  const zone = session.value?.shop.timeZone ?? 'America/Sao_Paulo';
  const before = msToWallClock(order.promisedAt, zone);
  const today = msToWallClock(now.peek(), zone).day;
  const [day, setDay] = useState(before.day < today ? today : before.day);
  const [time, setTime] = useState(before.time);
  const [reason, setReason] = useState('');
  const [isAsked, setAsked] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [failure, setFailure] = useState<ApiError | null>(null);
  const savingOff = useSavingOff();
  const missing = reason.trim().length < REASON_MIN_CHARS;

  async function save() {
    setAsked(true);
    if (missing || day === '' || time === '' || isBusy) return;
    setBusy(true);
    try {
      const promisedAt = wallClockToMs(day, time, zone);
      const changed = await writeAsSeen(
        order.version,
        (expectedVersion) => api.changePromise(order.orderId, { expectedVersion, promisedAt, reason: reason.trim() }),
        (current) => current.promisedAt === order.promisedAt,
      );
      toasts.show({ icon: 'agenda', text: orders.promiseChanged });
      onChanged?.(changed);
      void resources.refresh('today');
      onClose();
    } catch (cause) {
      setFailure(asApiError(cause));
      setBusy(false);
    }
  }

  return (
    <Dialog
      title={orders.promiseTitle}
      onClose={onClose}
      onSubmit={() => void save()}
      footer={
        <>
          <button class="btn" type="button" onClick={onClose}>
            {common.cancel} <kbd>Esc</kbd>
          </button>
          <button class="btn primary" type="submit" aria-busy={isBusy} disabled={savingOff}>
            {orders.promiseSave}
          </button>
        </>
      }
    >
      <p class="muted t14">
        {order.number} · {orders.promised.toLowerCase()} {format.value.dayTime(order.promisedAt, now.value)}
      </p>
      <div class="two">
        <TextField
          label={orders.promiseNew}
          value={day}
          onValue={setDay}
          input={{ type: 'date', required: true, autofocus: true }}
        />
        <TextField label={orders.promiseTime} value={time} onValue={setTime} input={{ type: 'time', required: true }} />
      </div>
      <Field
        label={orders.promiseReason}
        hint={orders.promiseReasonHint}
        error={isAsked && missing ? orders.promiseReasonMissing : null}
      >
        {({ id, describedBy, invalid }) => (
          <textarea
            id={id}
            class="input area"
            rows={2}
            maxLength={limits.textMaxChars}
            value={reason}
            aria-describedby={describedBy}
            aria-invalid={invalid || undefined}
            onInput={(event) => setReason(event.currentTarget.value)}
          />
        )}
      </Field>
      {failure ? <Failure error={failure} title={common.saveFailed} kept={common.keptOnScreen} /> : null}
    </Dialog>
  );
}
