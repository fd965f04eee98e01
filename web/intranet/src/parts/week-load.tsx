import type { Today } from '@sgp/shared/api/orders';
import { useApp } from '../app-context.ts';

const WIDTH = 340;
const FLOOR = 92;
const TOP = 22;

/** The next seven days: plain quantity is grey, today is teal. */
export function WeekLoad({ load }: { readonly load: Today['load'] }) {
  const { t, locale } = useApp();
  const { orders, common } = t.value;
  if (load.length === 0) return null;
  const most = Math.max(1, ...load.map(({ orders: count }) => count));
  const step = WIDTH / load.length;
  const bar = Math.min(36, step - 10);
  // A date without a time is a calendar day: read and written in UTC it stays the same day in every zone.
  const weekday = new Intl.DateTimeFormat(locale.value, { weekday: 'short', timeZone: 'UTC' });
  const dayName = (date: string) =>
    weekday
      .format(new Date(`${date.slice(0, 10)}T12:00:00Z`))
      .replace('.', '')
      .toLowerCase();
  const spoken = load
    .map(({ date, orders: count }) => orders.weekLoadDay(dayName(date), common.orders(count)))
    .join(', ');
  return (
    <section class="panel" aria-labelledby="carga">
      <header>
        <h2 id="carga">{orders.weekLoad}</h2>
        <span class="push faint t13">{orders.weekLoadUnit}</span>
      </header>
      <div class="in chart">
        <svg viewBox={`0 0 ${WIDTH} 112`} role="img" aria-label={spoken}>
          <path class="grid" d={`M0 ${FLOOR + 0.5}h${WIDTH}`} />
          {load.map(({ date, orders: count }, index) => {
            const middle = step * (index + 0.5);
            const height = count === 0 ? 0 : Math.max(4, ((FLOOR - TOP) * count) / most);
            return (
              <g key={date}>
                {count > 0 ? (
                  <rect
                    class={index === 0 ? 'today-bar' : 'off'}
                    x={middle - bar / 2}
                    y={FLOOR - height}
                    width={bar}
                    height={height}
                    rx="3"
                  />
                ) : null}
                <text x={middle} y={FLOOR - height - 6} text-anchor="middle">
                  {count > 0 ? count : ''}
                </text>
                <text x={middle} y="108" text-anchor="middle">
                  {dayName(date)}
                </text>
              </g>
            );
          })}
        </svg>
      </div>
    </section>
  );
}
