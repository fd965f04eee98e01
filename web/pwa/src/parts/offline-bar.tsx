import { Icon } from '@sgp/ui/icon.tsx';
import { useApp } from '../app-context.ts';
import type { Shown } from '../logic/order-session.ts';
import type { When } from '../logic/when.ts';

/** The dark strip: what is below is the last known state, of this hour. */
export function OfflineBar({ shown, when }: { readonly shown: Shown; readonly when: When }) {
  const { t, online, now } = useApp();
  const { offline, unreachable, updatedAt, updatedOn } = t.value;
  const lost = shown.contact === 'lost';
  const today = when.daysUntil(shown.checkedAt, now.value) === 0;
  return (
    <div role="status">
      {lost ? (
        <p class="offline-bar">
          <Icon name="nuvem-fora" />
          <span>
            <b>{online.value ? unreachable : offline}</b>{' '}
            {today ? updatedAt(when.clock(shown.checkedAt)) : updatedOn(when.moment(shown.checkedAt, now.value))}
          </span>
        </p>
      ) : null}
    </div>
  );
}
