import type { SyncPage } from '@sgp/shared/api/shop';
import { useApp } from '../app-context.ts';
import { availability, availabilitySlices } from '../logic/availability.ts';

type IncidentsProps = { readonly incidents: SyncPage['incidents'] };

const DAY_MS = 86_400_000;
const SLICES = 96;

/** The last day in quarters of an hour: full where the cloud was in reach, short and amber where it was not. */
export function Availability({ incidents }: IncidentsProps) {
  const { t, format, now } = useApp();
  const { sync: words } = t.value;
  // Seconds do not matter at this scale; a bar that is drawn anew each second would.
  const minute = Math.floor(now.value / 60_000) * 60_000;
  const { ratio, count } = availability(incidents, minute, DAY_MS);
  const percent = format.value.percent(ratio);
  const label = words.availabilityLabel(percent, count);
  return (
    <section class="panel" aria-labelledby="disponibilidade">
      <header>
        <h2 id="disponibilidade">{words.availability}</h2>
        <b class="push t13 num">{percent}</b>
      </header>
      <div class="in chart">
        <svg viewBox="0 0 480 46" role="img" aria-label={label}>
          {availabilitySlices(incidents, minute, DAY_MS, SLICES).map((isUp, index) => (
            <rect
              key={index}
              class={isUp ? 'run' : 'warn'}
              x={index * 5}
              y={isUp ? 2 : 8}
              width="3.6"
              height={isUp ? 26 : 20}
              rx="1"
            />
          ))}
          <text x="0" y="43">
            {words.ago24}
          </text>
          <text x="480" y="43" text-anchor="end">
            {words.agora}
          </text>
        </svg>
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
