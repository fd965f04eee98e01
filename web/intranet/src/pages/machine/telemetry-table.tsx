import type { TelemetrySeries } from '@sgp/shared/api/machines';
import { useApp } from '../../app-context.ts';

const ROWS_MAX = 60;

/** The same numbers for who reads better in rows, newest first. */
export function TelemetryTable({ series }: { readonly series: TelemetrySeries }) {
  const { t, format } = useApp();
  const { machines: words } = t.value;
  if (series.at.length === 0) return <p class="muted t14">{words.noData}</p>;
  const first = Math.max(0, series.at.length - ROWS_MAX);
  const rows = series.at.slice(first).map((at, index) => ({
    at,
    min: series.min[first + index],
    avg: series.avg[first + index],
    max: series.max[first + index],
  }));
  const number = (value: number | undefined) => (value === undefined ? '' : format.value.number(value, 2));
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls has to be reachable by keyboard
    <section class="table plain short" tabIndex={0} aria-label={series.metric}>
      <table class="log">
        <thead>
          <tr>
            <th>{words.tableTime}</th>
            <th class="r">{words.tableMin}</th>
            <th class="r">{words.tableAvg}</th>
            <th class="r">{words.tableMax}</th>
          </tr>
        </thead>
        <tbody>
          {rows.reverse().map(({ at, min, avg, max }) => (
            <tr key={at}>
              <td class="num">{format.value.clock(at)}</td>
              <td class="r">{number(min)}</td>
              <td class="r">{number(avg)}</td>
              <td class="r">{number(max)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
