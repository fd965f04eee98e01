import type { SyncPage } from '@sgp/shared/api/shop';
import { Icon } from '@sgp/ui/icon.tsx';
import { useApp } from '../app-context.ts';
import { incidentsCsv } from '../logic/sync-csv.ts';

type IncidentsProps = { readonly incidents: SyncPage['incidents'] };

/** Every outage, written when it began and closed when it ended. */
export function Incidents({ incidents }: IncidentsProps) {
  const { t, format, now } = useApp();
  const { sync: words, syncFigures: figures } = t.value;
  const causeOf = (cause: string) =>
    cause === 'NETWORK' || cause === 'STOPPED' ? figures.cause[cause] : figures.cause.other;
  const number = (value: number) => format.value.number(value, 0);
  return (
    <section class="panel incidents" aria-labelledby="quedas">
      <header>
        <h2 id="quedas">{words.incidents}</h2>
        {incidents.length === 0 ? null : (
          <a
            class="btn small quiet push"
            download="sgp-quedas.csv"
            href={`data:text/csv;charset=utf-8,${encodeURIComponent(incidentsCsv(incidents, words.columns, causeOf))}`}
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
                <th class="r">{words.columns.conflicts}</th>
                <th class="r">{words.columns.lost}</th>
                <th>{words.columns.cause}</th>
              </tr>
            </thead>
            <tbody>
              {incidents.map((each) => (
                <tr key={each.startedAt}>
                  <td>{format.value.dayTime(each.startedAt, now.value)}</td>
                  <td class={each.endedAt === null ? 'muted' : undefined}>
                    {each.endedAt === null ? words.ongoing : format.value.dayTime(each.endedAt, now.value)}
                  </td>
                  <td class="r">{format.value.duration((each.endedAt ?? now.value) - each.startedAt)}</td>
                  <td class="r">{number(each.peakPending)}</td>
                  <td class="r">{number(each.sent)}</td>
                  <td class={each.conflicts === 0 ? 'r muted' : 'r'}>{number(each.conflicts)}</td>
                  <td class="r">
                    <Lost incident={each} />
                  </td>
                  <td>{causeOf(each.cause)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </section>
  );
}

/** Nothing but a comparison of both sides may say how much was lost. */
function Lost({ incident: { lost, resent, comparedAt } }: { readonly incident: SyncPage['incidents'][number] }) {
  const { t, format, now } = useApp();
  if (lost === null || comparedAt === null) return <span class="muted">{t.value.sync.lostOpen}</span>;
  const { number, dayTime } = format.value;
  return (
    <>
      <b>{number(lost, 0)}</b>{' '}
      <small class="muted">
        {t.value.syncFigures.compared(dayTime(comparedAt, now.value))}
        {resent > 0 ? ` · ${t.value.syncFigures.resent(number(resent, 0))}` : ''}
      </small>
    </>
  );
}
