import type { TrackedOrder } from '@sgp/shared/api/tracking';
import { Icon } from '@sgp/ui/icon.tsx';
import { useApp } from '../app-context.ts';
import { isOpen, lastTime, type StepView, stepsOf } from '../logic/order-view.ts';
import type { When } from '../logic/when.ts';

/** Andamento: the five steps with day and hour; a cancelled order shows how far it came. */
export function Timeline({ order, when }: { readonly order: TrackedOrder; readonly when: When }) {
  const { t, now } = useApp();
  const { timeline } = t.value;
  const cancelled = order.status === 'cancelled';
  const cancelledAt = lastTime(order, 'cancelled');
  const note = ({ step, state, at }: StepView): string | null => {
    if (state === 'now' && at) return timeline.since(when.moment(at, now.value));
    if (at) return when.moment(at, now.value);
    const { promisedAt } = order.dates;
    const expected = step === 'ready' && isOpen(order) && Date.parse(promisedAt) >= now.value;
    return expected ? timeline.expected(when.day(promisedAt, now.value)) : null;
  };
  const shown = stepsOf(order).filter(({ state }) => !cancelled || state !== 'todo');
  return (
    <section aria-labelledby="timeline">
      <h2 id="timeline">{timeline.title}</h2>
      <ol class="timeline">
        {shown.map((step) => (
          <li class={step.state} aria-current={step.state === 'now' ? 'step' : undefined} key={step.step}>
            <Icon name={step.state === 'done' ? 'ok' : step.state === 'now' ? 'andamento' : 'espera'} />
            <div>
              {step.state === 'now' ? <b>{timeline.step[step.step]}</b> : timeline.step[step.step]}
              <small>{note(step)}</small>
            </div>
          </li>
        ))}
        {cancelled ? (
          <li aria-current="step">
            <Icon name="bloqueio" />
            <div>
              <b>{timeline.cancelled}</b>
              <small>{cancelledAt ? when.moment(cancelledAt, now.value) : null}</small>
            </div>
          </li>
        ) : null}
      </ol>
    </section>
  );
}
