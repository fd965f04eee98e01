import type { MachineState } from '@sgp/shared/floor-messages';
import { useId } from 'preact/hooks';
import { useApp } from '../../app-context.ts';
import type { Span } from '../../logic/chart-data.ts';

const WIDTH = 1000;
const CLASS_OF: Readonly<Record<MachineState, string>> = {
  running: 'run',
  idle: 'idle',
  stopped: 'warn',
  fault: 'bad',
  off: 'off',
};

type StateBandProps = {
  readonly spans: readonly Span[];
  readonly from: number;
  readonly to: number;
  readonly totals: ReadonlyMap<MachineState | 'gap', number>;
  readonly hasAxis: boolean;
};

/** The states below the curve, in words with their lengths too, so that colour is not the only reader. */
export function StateBand({ spans, from, to, totals, hasAxis }: StateBandProps) {
  const { t, format } = useApp();
  const { machines: words } = t.value;
  const hatch = useId();
  const x = (ms: number) => ((Math.min(to, Math.max(from, ms)) - from) / (to - from)) * WIDTH;
  // Shorter than what the words can say is not worth a word.
  const told = [...totals].filter(([, ms]) => ms >= 1_000);
  const spoken = told.map(([name, ms]) => words.keyFor(words.key[name], format.value.duration(ms))).join(', ');
  return (
    <>
      <svg
        class="band"
        viewBox={`0 0 ${WIDTH} 10`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${words.bandLabel}: ${spoken}`}
      >
        <defs>
          <pattern id={hatch} width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
            <path class="hatch-line" d="M0 0v6" />
          </pattern>
        </defs>
        <rect class="empty-band" x="0" y="0" width={WIDTH} height="10" />
        {spans.map((span) => {
          const left = x(span.from);
          const width = x(span.to) - left;
          if (width <= 0) return null;
          return (
            <rect
              key={span.from}
              class={span.signal ? (span.state ? CLASS_OF[span.state] : 'off') : ''}
              fill={span.signal ? undefined : `url(#${hatch})`}
              x={left}
              y="0"
              width={width}
              height="10"
            />
          );
        })}
      </svg>
      {hasAxis ? (
        <div class="line apart t12 muted num">
          <span>{format.value.time(from)}</span>
          <span>{format.value.time(to)}</span>
        </div>
      ) : null}
      <div class="key">
        {told.map(([name, ms]) => (
          <span key={name}>
            <svg viewBox="0 0 14 10" aria-hidden="true">
              <rect
                class={name === 'gap' ? '' : CLASS_OF[name]}
                fill={name === 'gap' ? `url(#${hatch})` : undefined}
                width="14"
                height="10"
                rx="2"
              />
            </svg>
            {words.keyFor(words.key[name], format.value.duration(ms))}
          </span>
        ))}
      </div>
    </>
  );
}
