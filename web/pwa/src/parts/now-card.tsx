import type { TrackedOrder } from '@sgp/shared/api/tracking';
import { createFormatters } from '@sgp/ui/format';
import { Icon } from '@sgp/ui/icon.tsx';
import { useMemo } from 'preact/hooks';
import { useApp } from '../app-context.ts';
import type { Shown } from '../logic/order-session.ts';
import { countedOf, isOpen, lastTime, stepsOf } from '../logic/order-view.ts';
import type { When } from '../logic/when.ts';

/** Answers the one question: where is it, and when is it ready? */
export function NowCard({ shown: { order, contact }, when }: { readonly shown: Shown; readonly when: When }) {
  const { t, locale, now } = useApp();
  const format = useMemo(() => createFormatters(locale.value), [locale.value]);
  const counted = order.status === 'in_production' ? countedOf(order) : null;
  const texts = t.value;
  const finished = order.status === 'delivered' || order.status === 'cancelled';
  const notes = [
    counted
      ? texts.counted(
          format.number(counted.good),
          format.number(counted.total),
          /^(un|p[cç]|pe[cç]as?)\.?$/i.test(counted.unit) ? texts.pieces : texts.made(counted.unit),
        )
      : '',
    contact === 'lost' || finished
      ? ''
      : texts.updated(format.ago(order.receivedAt, Math.max(now.value, order.receivedAt))),
  ].filter(Boolean);
  return (
    <section class="now-card" aria-labelledby="now">
      <p class="hello">{texts.hello(order.firstName)}</p>
      <div aria-live="polite">
        <h1 id="now">{texts.headline[order.status]}</h1>
      </div>
      <Ready order={order} when={when} />
      <Ruler order={order} />
      {notes.length > 0 ? <p class="t13 muted">{notes.join(' · ')}</p> : null}
    </section>
  );
}

function Ready({ order, when }: { readonly order: TrackedOrder; readonly when: When }) {
  const { t, now } = useApp();
  const texts = t.value;
  const line = (lead: string, at: string | null | undefined) =>
    at ? (
      <>
        {lead} <b>{when.moment(at, now.value)}</b>
      </>
    ) : (
      lead
    );
  if (isOpen(order)) {
    const { promisedAt } = order.dates;
    const promised = when.promise(promisedAt, now.value);
    if (Date.parse(promisedAt) >= now.value)
      return (
        <p class="when">
          <Icon name="agenda" />
          <span>
            {texts.readyLead} <b>{promised}</b>
          </span>
        </p>
      );
    return (
      <div class="notice warn">
        <Icon name="relogio" />
        <div>
          <b>{texts.late(promised)}</b>
          <br />
          {texts.lateText}
        </div>
      </div>
    );
  }
  return (
    <p class="when">
      <Icon name={order.status === 'cancelled' ? 'bloqueio' : order.status === 'ready' ? 'sacola' : 'entrega'} />
      <span>
        {order.status === 'ready' ? line(texts.pickUpLead, order.dates.readyAt ?? lastTime(order, 'ready')) : null}
        {order.status === 'delivered'
          ? line(texts.deliveredLead, order.dates.deliveredAt ?? lastTime(order, 'delivered'))
          : null}
        {order.status === 'cancelled' ? (
          <>
            {line(texts.cancelledLead, lastTime(order, 'cancelled'))}
            <br />
            <span class="t14 muted">{texts.cancelledText}</span>
          </>
        ) : null}
      </span>
    </p>
  );
}

/** The régua: five fixed steps; the present one fills with what the machines counted. */
function Ruler({ order }: { readonly order: TrackedOrder }) {
  const { t } = useApp();
  const { timeline, ruler } = t.value;
  const steps = stepsOf(order);
  const reached = steps.findLastIndex(({ state }) => state !== 'todo') + 1;
  const counted = order.status === 'in_production' ? countedOf(order) : null;
  if (order.status === 'cancelled') return null;
  return (
    <ol class="ruler mini" aria-label={ruler(reached)}>
      {steps.map(({ step, state }) => (
        <li class={state} aria-current={state === 'now' ? 'step' : undefined} key={step}>
          {state === 'now' ? (
            <progress max={counted?.total ?? 1} value={counted?.good ?? 1} aria-label={timeline.step[step]} />
          ) : (
            timeline.step[step]
          )}
        </li>
      ))}
    </ol>
  );
}
