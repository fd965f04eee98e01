import type { Machine } from '@sgp/shared/api/machines';
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { StateSpans } from '../../api.ts';
import { useApp } from '../../app-context.ts';
import { spanTotals, withGaps } from '../../logic/chart-data.ts';
import { StateBand } from './state-band.tsx';
import { TelemetryTable } from './telemetry-table.tsx';
import { useTelemetry } from './use-telemetry.ts';

type ChartView = typeof import('./telemetry-chart.tsx').TelemetryChart;

/** The drawing library comes only to the page that draws. */
function useChart(): ChartView | null {
  const [view, setView] = useState<ChartView | null>(null);
  useEffect(() => {
    void import('./telemetry-chart.tsx').then(({ TelemetryChart }) => setView(() => TelemetryChart));
  }, []);
  return view;
}

const RANGES = { quarter: 15 * 60_000, hour: 3_600_000, shift: 8 * 3_600_000, day: 24 * 3_600_000 } as const;
type Range = keyof typeof RANGES;

/** One metric over time with the states below it. Live: samples are drawn as they arrive, within the second. */
export function Telemetry({ machine }: { readonly machine: Machine }) {
  const { t, now } = useApp();
  const { machines: words } = t.value;
  const numeric = machine.metrics.filter(({ value }) => typeof value === 'number').map(({ name }) => name);
  const [picked, setPicked] = useState<string | null>(null);
  const metric = picked ?? numeric[0] ?? null;
  const [range, setRange] = useState<Range>('quarter');
  const [view, setView] = useState<'chart' | 'table'>('chart');
  const loaded = useTelemetry(machine.machineId, metric, RANGES[range]);
  const Chart = useChart();

  const to = now.value;
  const from = to - RANGES[range];
  const spans = sinceBirth(extendToNow(loaded.spans, machine, to), machine.credential.createdAt);
  // The chart is told of new data only when there is some: drawing moves its cursor, which renders this again.
  const data = useMemo(() => (loaded.series === null ? null : withGaps(loaded.series, loaded.spans)), [loaded]);
  const lost = spans.filter(({ signal }) => !signal);
  return (
    <section class="panel" aria-labelledby="grafico">
      <header>
        <h2 id="grafico" class={metric ? 'sr' : undefined}>
          {words.chart}
        </h2>
        {numeric.length > 1 ? (
          <select
            class="input metric"
            aria-label={words.metric}
            value={metric ?? ''}
            onChange={(event) => setPicked(event.currentTarget.value)}
          >
            {numeric.map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        ) : metric ? (
          <b class="t14">{metric}</b>
        ) : null}
        <fieldset class="seg push" aria-label={words.range}>
          {(Object.keys(RANGES) as Range[]).map((one) => (
            <button key={one} type="button" aria-pressed={range === one} onClick={() => setRange(one)}>
              {words.ranges[one]}
            </button>
          ))}
        </fieldset>
        <fieldset class="seg" aria-label={words.chart}>
          <button type="button" aria-pressed={view === 'chart'} onClick={() => setView('chart')}>
            {words.viewChart}
          </button>
          <button type="button" aria-pressed={view === 'table'} onClick={() => setView('table')}>
            {words.viewTable}
          </button>
        </fieldset>
      </header>
      <div class="in chart">
        {metric === null ? (
          <div class="empty small">
            <b>{words.noMetric}</b>
            <p>{words.noMetricText}</p>
          </div>
        ) : loaded.series === null || data === null || Chart === null ? (
          <div class="plot-place" aria-busy="true" />
        ) : view === 'table' ? (
          <TelemetryTable series={loaded.series} />
        ) : (
          <Chart metric={metric} isLive={machine.signal === 'online'} data={data} from={from} to={to} lost={lost} />
        )}
        <StateBand
          spans={spans}
          from={from}
          to={to}
          totals={spanTotals(spans, from, to)}
          hasAxis={view === 'table' || metric === null}
        />
      </div>
      <MachineFigures
        machine={machine}
        runningMs={spanTotals(spans, from, to).get('running') ?? 0}
        windowMs={RANGES[range]}
      />
    </section>
  );
}

/** The server's last span ends when it answered; until the next answer it goes on as it was. */
function extendToNow(spans: StateSpans['spans'], machine: Machine, to: number): StateSpans['spans'] {
  const last = spans.at(-1);
  if (!last || last.to >= to) return spans;
  const signal = machine.signal === 'online';
  if (signal === last.signal) return [...spans.slice(0, -1), { ...last, to }];
  return [...spans, { from: last.to, to, state: signal ? machine.state : null, signal }];
}

/** Before it was registered a machine was not silent: it was not there. */
function sinceBirth(spans: StateSpans['spans'], bornAt: number): StateSpans['spans'] {
  return spans.flatMap((span) => (span.to <= bornAt ? [] : [{ ...span, from: Math.max(span.from, bornAt) }]));
}

function MachineFigures({
  machine,
  runningMs,
  windowMs,
}: {
  readonly machine: Machine;
  readonly runningMs: number;
  readonly windowMs: number;
}) {
  const { t, format, now } = useApp();
  const { machines: words } = t.value;
  const isOld = machine.signal !== 'online';
  return (
    <div class="stats in-panel">
      <div class="stat">
        <span>{words.piecesToday}</span>
        <b>{format.value.number(machine.today.good, 0)}</b>
      </div>
      <div class="stat">
        <span>{words.scrapToday}</span>
        <b>{format.value.number(machine.today.scrap, 0)}</b>
      </div>
      <div class="stat">
        <span>{words.useToday}</span>
        <b>{format.value.percent(Math.min(1, runningMs / windowMs))}</b>
      </div>
      {machine.metrics.slice(0, 3).map(({ name, value, at }) => (
        <div class="stat" key={name}>
          <span class="cut">{words.lastValue(name)}</span>
          <b class={isOld ? 'stale' : undefined}>
            {typeof value === 'number' ? format.value.number(value, 2) : String(value)}{' '}
            {isOld ? <small>{words.at(format.value.dayTime(at, now.value))}</small> : null}
          </b>
        </div>
      ))}
    </div>
  );
}
