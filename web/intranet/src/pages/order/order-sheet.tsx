import type { Order } from '@sgp/shared/api/orders';
import { Icon } from '@sgp/ui/icon.tsx';
import { useApp } from '../../app-context.ts';

/** The sheet of each item: what to make, how many, and the fields of the trade. */
export function OrderSheet({ order }: { readonly order: Order }) {
  const { t, format, api } = useApp();
  const { orders } = t.value;
  return (
    <>
      {order.items.map((item, index) => (
        <section class="panel" key={item.itemId} aria-label={item.description}>
          <header>
            <h2>{item.description}</h2>
            <span class="push t13 muted num">
              {orders.units(format.value.number(item.quantity), item.unit)} × {format.value.money(item.unitPriceCents)}{' '}
              = <b class="strong">{format.value.money(Math.round(item.quantity * item.unitPriceCents))}</b>
            </span>
          </header>
          <div class={index === 0 && order.coverMediaId ? 'spec' : 'spec no-art'}>
            {index === 0 && order.coverMediaId ? (
              <img class="art" src={api.previewUrl(order.coverMediaId, 480)} alt="" width="152" height="152" />
            ) : null}
            {item.spec.length > 0 ? (
              <dl class="facts">
                {item.spec.map(({ label, value }) => (
                  <SpecRow key={label} label={label} value={value} />
                ))}
              </dl>
            ) : (
              <p class="muted t14">{orders.itemNoSpec}</p>
            )}
          </div>
          {item.produced.good + item.produced.scrap > 0 ? (
            <div class="in produced">
              <div class="line apart t14">
                <span class="counter">
                  <b>{format.value.number(item.produced.good, 0)}</b>{' '}
                  <span class="muted">{`/ ${format.value.number(item.quantity)} ${item.unit}`}</span>
                </span>
                {item.produced.scrap > 0 ? (
                  <span class="muted t13">
                    {t.value.machines.scrapToday.split(' ')[0]}: {format.value.number(item.produced.scrap, 0)}
                  </span>
                ) : null}
              </div>
              <progress
                max={item.quantity}
                value={Math.min(item.quantity, item.produced.good)}
                aria-label={orders.producedOf(
                  format.value.number(item.produced.good, 0),
                  format.value.number(item.quantity),
                )}
              />
            </div>
          ) : null}
        </section>
      ))}
      {order.note ? (
        <section class="panel">
          <header>
            <h2>{orders.note}</h2>
            <span class="push t13 muted line">
              <Icon name="cadeado" size="sm" />
              {orders.noteHint}
            </span>
          </header>
          <p class="in t14 pre">{order.note}</p>
        </section>
      ) : null}
    </>
  );
}

function SpecRow({ label, value }: { readonly label: string; readonly value: string }) {
  return (
    <>
      <dt>{label}</dt>
      <dd>{value}</dd>
    </>
  );
}
