import 'uplot/dist/uPlot.min.css';
import { Icon } from '@sgp/ui/icon.tsx';
import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import { useApp } from '../../app-context.ts';
import { type ChartData, nextReading, type Span } from '../../logic/chart-data.ts';
import { readPalette } from './palette.ts';

const HEIGHT = 190;

type TelemetryChartProps = {
  readonly isLive: boolean;
  readonly metric: string;
  readonly data: ChartData;
  readonly from: number;
  readonly to: number;
  readonly lost: readonly Span[];
};

/**
 * The curve. The library draws pixels and nothing else, so what a keyboard and a screen reader need is here: arrows walk
 * the measured points, the reading is a live text, and the table beside it holds the same numbers.
 */
export function TelemetryChart({ metric, isLive, data, from, to, lost }: TelemetryChartProps) {
  const { t, format, prefs } = useApp();
  const { machines: words } = t.value;
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const cursorAt = useRef<number | null>(null);
  const view = useRef({ data, lost });
  view.current = { data, lost };
  const [reading, setReading] = useState<number | null>(null);
  const theme = prefs.theme.value;
  const [scheme, setScheme] = useState(0);

  useEffect(() => {
    const media = window.matchMedia('(prefers-color-scheme: dark)');
    const changed = () => setScheme((before) => before + 1);
    media.addEventListener('change', changed);
    return () => media.removeEventListener('change', changed);
  }, []);

  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const colours = readPalette(element);
    const axis: uPlot.Axis = {
      stroke: colours.faint,
      grid: { stroke: colours.line, width: 1 },
      ticks: { show: false },
      font: `11px ${colours.font}`,
    };
    const chart = new uPlot(
      {
        width: element.clientWidth,
        height: HEIGHT,
        padding: [8, 8, 0, 0],
        legend: { show: false },
        cursor: {
          y: false,
          drag: { x: false, y: false },
          points: { size: 8, fill: colours.surface, stroke: colours.accent, width: 2 },
        },
        scales: { x: { time: true }, y: { range: (_, min, max) => roundRange(min, max) } },
        axes: [
          {
            ...axis,
            grid: { show: false },
            size: 28,
            space: 80,
            values: (_, splits) => splits.map((seconds) => format.peek().time(seconds * 1000)),
          },
          { ...axis, size: 48, values: (_, splits) => splits.map((value) => format.peek().number(value, 2)) },
        ],
        // Each bucket's spread is a pale band behind its mean: a short peak is not averaged away.
        bands: [{ series: [2, 1], fill: colours.spread }],
        series: [
          {},
          { stroke: 'transparent', points: { show: false } },
          { stroke: 'transparent', points: { show: false } },
          { stroke: colours.accent, width: 1.75, fill: colours.area, points: { show: false }, spanGaps: false },
        ],
        hooks: {
          drawClear: [(self) => drawLost(self, view.current.lost, colours.field)],
          setCursor: [(self) => setReading(self.cursor.idx ?? null)],
        },
      },
      columns(view.current.data),
      element,
    );
    plot.current = chart;
    const observer = new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height: HEIGHT }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      chart.destroy();
      plot.current = null;
    };
  }, [theme, scheme, metric]);

  useEffect(() => {
    const chart = plot.current;
    if (!chart) return;
    chart.batch(() => {
      chart.setData(columns(data), false);
      chart.setScale('x', { min: from / 1000, max: to / 1000 });
    });
  }, [data, from, to, theme, scheme, metric]);

  const last = nextReading(data.avg, null, -1);
  const shown = reading !== null && data.avg[reading] != null ? reading : last;
  const value = shown === null ? null : (data.avg[shown] ?? null);
  const time = shown === null ? undefined : data.at[shown];
  const text =
    value === null || time === undefined
      ? words.noData
      : words.reading(format.value.clock(time * 1000), format.value.number(value, 2));

  function walk(event: KeyboardEvent) {
    const chart = plot.current;
    if (!chart) return;
    const from = cursorAt.current ?? last;
    const next =
      event.key === 'ArrowLeft'
        ? nextReading(data.avg, from, -1)
        : event.key === 'ArrowRight'
          ? nextReading(data.avg, from, 1)
          : event.key === 'Home'
            ? nextReading(data.avg, null, 1)
            : event.key === 'End'
              ? nextReading(data.avg, null, -1)
              : undefined;
    if (next === undefined) return;
    event.preventDefault();
    cursorAt.current = next;
    const at = next === null ? undefined : data.at[next];
    const y = next === null ? null : data.avg[next];
    if (at === undefined || y === null || y === undefined) return;
    chart.setCursor({ left: chart.valToPos(at, 'x'), top: chart.valToPos(y, 'y') });
  }

  return (
    <>
      <div class="line apart">
        <span class="t13 muted line live">
          {isLive ? <Icon name="andamento" size="sm" /> : null}
          {isLive ? words.live : ''}
        </span>
        {/* Spoken while the arrows read; the newest value, each second, would never let anyone speak. */}
        <span class="t13 num reading" aria-live={reading === null ? 'off' : 'polite'}>
          <b>{text}</b>
        </span>
      </div>
      <fieldset
        class="plot"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: the arrows read the values
        tabIndex={0}
        aria-label={words.chartLabel(metric)}
        onKeyDown={walk}
        data-points={data.at.length}
      >
        <div ref={place} aria-hidden="true" />
      </fieldset>
    </>
  );
}

const columns = (data: ChartData): uPlot.AlignedData => [data.at, data.min, data.max, data.avg];

/** From zero when the values are near it, with air above; a flat line still has a height. */
function roundRange(min: number | null, max: number | null): [number, number] {
  if (min === null || max === null) return [0, 1];
  const low = min >= 0 && min < max * 0.6 ? 0 : min;
  const spread = max - low || Math.abs(max) || 1;
  return [low === 0 ? 0 : low - spread * 0.1, max + spread * 0.08];
}

/** Hatches every span without signal: a gap is a gap, and it is seen to be one. */
function drawLost(chart: uPlot, lost: readonly Span[], stroke: string) {
  const { ctx, bbox } = chart;
  const step = 8 * devicePixelRatio;
  ctx.save();
  ctx.strokeStyle = stroke;
  ctx.globalAlpha = 0.45;
  ctx.lineWidth = devicePixelRatio;
  for (const { from, to } of lost) {
    const left = Math.max(bbox.left, chart.valToPos(from / 1000, 'x', true));
    const right = Math.min(bbox.left + bbox.width, chart.valToPos(to / 1000, 'x', true));
    if (right - left < 1) continue;
    ctx.save();
    ctx.beginPath();
    ctx.rect(left, bbox.top, right - left, bbox.height);
    ctx.clip();
    ctx.beginPath();
    // The lines hang on the plot's own grid, so that they do not swim when the window slides.
    for (let x = Math.floor((left - bbox.height) / step) * step; x < right; x += step) {
      ctx.moveTo(x, bbox.top + bbox.height);
      ctx.lineTo(x + bbox.height, bbox.top);
    }
    ctx.stroke();
    ctx.restore();
  }
  ctx.restore();
}
