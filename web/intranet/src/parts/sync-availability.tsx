import type { SyncPage } from '@sgp/shared/api/shop';
import { useId, useState } from 'preact/hooks';
import { useApp } from '../app-context.ts';
import { availability, availabilitySlices, downTimes, knownTime, type Slice } from '../logic/availability.ts';

const DAY_MS = 86_400_000;
const WINDOWS = { day: DAY_MS, month: 30 * DAY_MS } as const;
const SLICES = 96;

const BAR: Readonly<Record<Slice, { readonly class: string; readonly y: number; readonly height: number }>> = {
  up: { class: 'run', y: 2, height: 26 },
  down: { class: 'warn', y: 8, height: 20 },
  unknown: { class: 'unknown', y: 2, height: 26 },
};

/**
 * The last day or month in 96 slices: full where the cloud was in reach, short and amber where it was not, striped where
 * nobody knows. The share is of the known time alone.
 */
export function Availability({
  page,
  silentSince,
}: {
  readonly page: Pick<SyncPage, 'incidents' | 'nodeId'>;
  readonly silentSince: number | null;
}) {
  const { t, format, now } = useApp();
  const { sync: words } = t.value;
  const hatch = useId();
  const [shown, setShown] = useState<keyof typeof WINDOWS>('day');
  const window = WINDOWS[shown];
  // Seconds do not matter at this scale; a bar that is drawn anew each second would.
  const minute = Math.ceil(now.value / 60_000) * 60_000;
  const known = knownTime(page, minute, silentSince);
  const { ratio, count } = availability(page.incidents, known, minute, window);
  // Rounding must not turn a short outage into none.
  const percent =
    ratio === null ? words.availabilityUnknown : format.value.percent(count > 0 ? Math.min(ratio, 0.999) : ratio);
  const times = downTimes(page.incidents, known, minute, window);
  const isYoung = known.from > minute - window;
  const since = isYoung ? words.availabilitySince(format.value.dayTime(known.from, now.value)) : '';
  return (
    <section class="panel" aria-labelledby="disponibilidade">
      <header>
        <h2 id="disponibilidade">{words.availability}</h2>
        <fieldset class="seg push" aria-label={words.windowLabel}>
          {(['day', 'month'] as const).map((name) => (
            <button key={name} type="button" aria-pressed={shown === name} onClick={() => setShown(name)}>
              {words.windows[name]}
            </button>
          ))}
        </fieldset>
        <b class="t13 num">{percent}</b>
      </header>
      <div class="in chart">
        <svg
          viewBox="0 0 480 46"
          role="img"
          aria-label={[words.availabilityLabel(percent, count), since].filter(Boolean).join('. ')}
        >
          <defs>
            <pattern id={hatch} width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
              <path class="hatch-line" d="M0 0v5" />
            </pattern>
          </defs>
          {availabilitySlices(page.incidents, known, minute, window, SLICES).map((slice, index) => (
            <rect
              key={index}
              class={BAR[slice].class}
              fill={slice === 'unknown' ? `url(#${hatch})` : undefined}
              x={index * 5}
              y={BAR[slice].y}
              width={slice === 'unknown' ? 5 : 3.6}
              height={BAR[slice].height}
              rx={slice === 'unknown' ? 0 : 1}
            />
          ))}
          <text x="0" y="43">
            {words.ago(words.windows[shown])}
          </text>
          <text x="480" y="43" text-anchor="end">
            {words.agora}
          </text>
        </svg>
        {isYoung ? (
          <div class="key">
            <span>
              <svg viewBox="0 0 14 10" aria-hidden="true">
                <rect width="14" height="10" fill={`url(#${hatch})`} />
              </svg>
              {since}
            </span>
          </div>
        ) : null}
        <details>
          <summary>{words.asTable}</summary>
          {times.length === 0 ? (
            <p class="t14 muted">{words.periods.none}</p>
          ) : (
            // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls has to be reachable by keyboard
            <section class="table plain" tabIndex={0} aria-label={words.periods.caption}>
              <table>
                <thead>
                  <tr>
                    <th>{words.periods.from}</th>
                    <th>{words.periods.to}</th>
                    <th>{words.periods.state}</th>
                  </tr>
                </thead>
                <tbody>
                  {times.map(({ from, to, state }) => (
                    <tr key={`${from}-${state}`}>
                      <td>{format.value.dayTime(from, now.value)}</td>
                      <td>{format.value.dayTime(to, now.value)}</td>
                      <td>{words.periods[state]}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </section>
          )}
        </details>
      </div>
    </section>
  );
}
