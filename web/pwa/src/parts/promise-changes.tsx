import type { TrackedOrder } from '@sgp/shared/api/tracking';
import { Icon } from '@sgp/ui/icon.tsx';
import { useApp } from '../app-context.ts';
import type { When } from '../logic/when.ts';

/** Every change of the promised date, the newest first: what was said, what holds now, and why. */
export function PromiseChanges({ order, when }: { readonly order: TrackedOrder; readonly when: When }) {
  const { t, now } = useApp();
  const { changed } = t.value;
  const changes = order.dates.promiseChanges.toReversed();
  if (changes.length === 0 || order.status === 'delivered' || order.status === 'cancelled') return null;
  return (
    <section class="changed" aria-labelledby="changed">
      <Icon name="historico" />
      <div class="stack tight">
        <h2 id="changed">{changed.title}</h2>
        {changes.map(({ from, to, reason, at }) => (
          <div key={at}>
            <p>
              <span class="sr">{changed.from} </span>
              <s>{when.day(from, now.value)}</s>
              <span aria-hidden="true"> → </span>
              <span class="sr">{changed.to} </span>
              {when.day(to, now.value)}
            </p>
            {reason ? <p class="muted">“{reason}”</p> : null}
          </div>
        ))}
      </div>
    </section>
  );
}
