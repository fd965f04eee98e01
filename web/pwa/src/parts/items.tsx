import type { TrackedOrder } from '@sgp/shared/api/tracking';
import { createFormatters } from '@sgp/ui/format';
import { Icon } from '@sgp/ui/icon.tsx';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { useApp } from '../app-context.ts';
import type { Unlocked } from '../logic/tracking-client.ts';
import { UnlockDialog } from './unlock-dialog.tsx';

type Props = { readonly token: string; readonly order: TrackedOrder; readonly lost: boolean };

/** What the customer proved to know and what it opened; in this page's memory only, so each opening asks anew. */
type Opened = { readonly last4: string; readonly money: Unlocked };

/** What was ordered, how much of it is made, and the prices behind the second factor. */
export function Items({ token, order, lost }: Props) {
  const { t, locale, client } = useApp();
  const { items, money } = t.value;
  const { number } = useMemo(() => createFormatters(locale.value), [locale.value]);
  const [asking, setAsking] = useState(false);
  const [opened, setOpened] = useState<Opened | null>(null);
  // A change of the order may be a payment.
  useEffect(() => {
    if (opened === null) return;
    void client.unlock(token, opened.last4).then((answer) => {
      if (answer.kind === 'unlocked') setOpened({ ...opened, money: answer.money });
    });
  }, [order.version]);
  const amount = (quantity: number, unit: string) =>
    /^un\.?$/i.test(unit) ? number(quantity) : `${number(quantity)} ${unit}`;
  return (
    <section aria-labelledby="items">
      <h2 id="items">{items.title}</h2>
      <div class="panel rows">
        {order.items.map(({ description, quantity, unit, produced }, index) => (
          <div key={index}>
            <span class="grow">
              {description}
              {produced ? (
                <small>{items.produced(number(Math.min(produced.good, produced.total)), number(produced.total))}</small>
              ) : null}
            </span>
            <b class="num">{amount(quantity, unit)}</b>
          </div>
        ))}
        {opened ? <Prices money={opened.money} /> : null}
        {order.canUnlock && !opened ? (
          <button class="as-row" type="button" aria-disabled={lost} onClick={() => setAsking(!lost)}>
            <Icon name="cadeado" />
            <span class="grow">
              {money.locked}
              <small>{lost ? money.lockedOffline : money.lockedHint}</small>
            </span>
            <Icon name="direita" size="sm" />
          </button>
        ) : null}
      </div>
      {asking ? (
        <UnlockDialog
          token={token}
          onClose={() => setAsking(false)}
          onUnlocked={(last4, answer) => {
            setOpened({ last4, money: answer });
            setAsking(false);
          }}
        />
      ) : null}
    </section>
  );
}

function Prices({ money: { totalCents, paidCents } }: { readonly money: Unlocked }) {
  const { t, locale } = useApp();
  const { money } = t.value;
  const format = useMemo(() => createFormatters(locale.value), [locale.value]);
  const prices = useRef<HTMLDivElement>(null);
  // The button that asked is gone: whoever uses a keyboard or a screen reader goes on from here.
  useEffect(() => prices.current?.focus(), []);
  const due = totalCents - paidCents;
  return (
    <div class="prices" ref={prices} tabIndex={-1}>
      <dl>
        <dt>{money.total}</dt>
        <dd class="num">{format.money(totalCents)}</dd>
        <dt>{money.paid}</dt>
        <dd class="num">{format.money(paidCents)}</dd>
        {due > 0 ? (
          <>
            <dt class="due">{money.due}</dt>
            <dd class="num due">{format.money(due)}</dd>
          </>
        ) : null}
      </dl>
      {due > 0 ? null : (
        <p class="line">
          <Icon name="ok-circulo" />
          {money.settled}
        </p>
      )}
    </div>
  );
}
