import type { LogLine } from '@sgp/shared/api/machines';
import type { MachineState } from '@sgp/shared/floor-messages';

export type SignalLine = Pick<LogLine, 'at' | 'kind' | 'code' | 'data'>;
export type StateSpan = {
  readonly from: number;
  readonly to: number;
  readonly state: MachineState | null;
  readonly signal: boolean;
};

type Change = { readonly at: number; readonly apply: (now: Now) => Now };
/** `signal` is null until anything was heard at all. */
type Now = { readonly state: MachineState | null; readonly signal: boolean | null };

/**
 * Spans of one state over `[from, to)`, without holes and without two equal neighbours. A span without signal has no
 * state: nobody knows what the machine did.
 * @param lines state and signal lines, with the last ones before `from`
 * @param silentSince since when the machine is silent now, else null
 */
export function stateSpans(
  lines: readonly SignalLine[],
  from: number,
  to: number,
  silentSince: number | null,
): readonly StateSpan[] {
  const changes = [...lines.flatMap(changesOf), ...(silentSince === null ? [] : [lost(silentSince)])];
  changes.sort((a, b) => a.at - b.at);
  let now: Now = { state: null, signal: null };
  let start = from;
  const spans: StateSpan[] = [];
  const close = (end: number): void => {
    if (end <= start) return;
    const signal = now.signal === true;
    const state = signal ? now.state : null;
    const last = spans.at(-1);
    if (last?.state === state && last.signal === signal) spans[spans.length - 1] = { ...last, to: end };
    else spans.push({ from: start, to: end, state, signal });
    start = end;
  };
  for (const { at, apply } of changes) {
    close(Math.min(at, to));
    now = apply(now);
  }
  close(to);
  return spans;
}

const lost = (at: number): Change => ({ at, apply: (now) => ({ ...now, signal: false }) });
const back = (at: number): Change => ({ at, apply: (now) => ({ ...now, signal: true }) });

function changesOf({ at, kind, code, data }: SignalLine): readonly Change[] {
  if (kind === 'state')
    return [{ at, apply: ({ signal }) => ({ state: code as MachineState, signal: signal ?? true }) }];
  // A broker that was off itself tells at its start since when nobody saw the machine.
  if (code === 'offline') return [lost(Number(data['since'] ?? at))];
  if (code === 'online') return [back(at)];
  if (code === 'silent') return [lost(Number(data['since'] ?? at))];
  // The gap before a machine was heard again is known only at its end.
  if (code === 'heard') return [lost(Number(data['since'] ?? at)), back(at)];
  return [];
}
