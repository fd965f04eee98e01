import type { SyncPage } from '@sgp/shared/api/shop';
import { Icon } from '@sgp/ui/icon.tsx';
import { useApp } from '../app-context.ts';
import { incidentsCsv } from '../logic/sync-csv.ts';

type IncidentsProps = { readonly incidents: SyncPage['incidents'] };

/** Every outage, written when it began and closed when it ended. */
export function Incidents({ incidents }: IncidentsProps) {
  const { t, format, now } = useApp();
  const { sync: words } = t.value;
  return (
    <section class="panel incidents" aria-labelledby="quedas">
      <header>
        <h2 id="quedas">{words.incidents}</h2>
        {incidents.length === 0 ? null : (
          <a
            class="btn small quiet push"
            download="sgp-quedas.csv"
            href={`data:text/csv;charset=utf-8,${encodeURIComponent(incidentsCsv(incidents, words.columns))}`}
          >
            <Icon name="baixar" size="sm" />
            {words.csv}
          </a>
        )}
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
                <th class="r">{words.columns.lost}</th>
              </tr>
            </thead>
            <tbody>
              {incidents.map(({ startedAt, endedAt, peakPending, sent, comparedAt }) => (
                <tr key={startedAt}>
                  <td>{format.value.dayTime(startedAt, now.value)}</td>
                  <td class={endedAt === null ? 'muted' : undefined}>
                    {endedAt === null ? words.ongoing : format.value.dayTime(endedAt, now.value)}
                  </td>
                  <td class="r">{format.value.duration((endedAt ?? now.value) - startedAt)}</td>
                  <td class="r">{format.value.number(peakPending, 0)}</td>
                  <td class="r">{format.value.number(sent, 0)}</td>
                  {/* Nothing but the Core's signed comparison may say that nothing was lost. */}
                  <td class={comparedAt === null ? 'r muted' : 'r'}>
                    {comparedAt === null ? words.lostOpen : words.lostNone(format.value.dayTime(comparedAt, now.value))}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </section>
  );
}
