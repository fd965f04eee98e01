import type { SyncPage } from '@sgp/shared/api/shop';
import { useId } from 'preact/hooks';
import { useApp } from '../app-context.ts';
import { availability, availabilitySlices, knownTime, type Slice } from '../logic/availability.ts';

type IncidentsProps = { readonly incidents: SyncPage['incidents'] };

const DAY_MS = 86_400_000;
const SLICES = 96;

const BAR: Readonly<Record<Slice, { readonly class: string; readonly y: number; readonly height: number }>> = {
  up: { class: 'run', y: 2, height: 26 },
  down: { class: 'warn', y: 8, height: 20 },
  unknown: { class: 'unknown', y: 2, height: 26 },
};

/**
 * The last day in quarters of an hour: full where the cloud was in reach, short and amber where it was not, striped where
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
  // Seconds do not matter at this scale; a bar that is drawn anew each second would.
  const minute = Math.ceil(now.value / 60_000) * 60_000;
  const known = knownTime(page, minute, silentSince);
  const { ratio, count } = availability(page.incidents, known, minute, DAY_MS);
  // Rounding must not turn a short outage into none.
  const percent =
    ratio === null ? words.availabilityUnknown : format.value.percent(count > 0 ? Math.min(ratio, 0.999) : ratio);
  const isYoung = known.from > minute - DAY_MS;
  const since = isYoung ? words.availabilitySince(format.value.dayTime(known.from, now.value)) : '';
  return (
    <section class="panel" aria-labelledby="disponibilidade">
      <header>
        <h2 id="disponibilidade">{words.availability}</h2>
        <b class="push t13 num">{percent}</b>
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
          {availabilitySlices(page.incidents, known, minute, DAY_MS, SLICES).map((slice, index) => (
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
            {words.ago24}
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
      </div>
    </section>
  );
}

/** Every outage, written when it began and closed when it ended. */
export function Incidents({ incidents }: IncidentsProps) {
  const { t, format, now } = useApp();
  const { sync: words } = t.value;
  return (
    <section class="panel incidents" aria-labelledby="quedas">
      <header>
        <h2 id="quedas">{words.incidents}</h2>
      </header>
      {incidents.length === 0 ? (
        <p class="in t14 muted">{words.incidentsNone}</p>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls has to be reachable by keyboard
        <section class="table plain" tabIndex={0} aria-label={`${words.incidents} (${incidents.length})`}>
          <table>
            <thead>
              <tr>
                <th>{words.columns.start}</th>
                <th>{words.columns.end}</th>
                <th class="r">{words.columns.duration}</th>
                <th class="r">{words.columns.peak}</th>
                <th class="r">{words.columns.sent}</th>
              </tr>
            </thead>
            <tbody>
              {incidents.map(({ startedAt, endedAt, peakPending, sent }) => (
                <tr key={startedAt}>
                  <td>{format.value.dayTime(startedAt, now.value)}</td>
                  <td class={endedAt === null ? 'muted' : undefined}>
                    {endedAt === null ? words.ongoing : format.value.dayTime(endedAt, now.value)}
                  </td>
                  <td class="r">{format.value.duration((endedAt ?? now.value) - startedAt)}</td>
                  <td class="r">{format.value.number(peakPending, 0)}</td>
                  <td class="r">{format.value.number(sent, 0)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </section>
  );
}
