import * as z from 'zod';

/**
 * Hybrid logical clock (Kulkarni et al. 2014): wall milliseconds, a counter for ties, and the node, as text that sorts by
 * time. `{ms: 14 digits}-{counter: 4 hex}-{node: 12 hex}`, for example `01763768193000-0002-9f2c4be01d77`.
 */
export const hlcSchema = z
  .string()
  .regex(/^\d{14}-[0-9a-f]{4}-[0-9a-f]{12}$/, 'must be an HLC stamp')
  .brand<'Hlc'>();
export type Hlc = z.infer<typeof hlcSchema>;

export type HlcState = { readonly ms: number; readonly counter: number };
export const hlcZero: HlcState = { ms: 0, counter: 0 };

const counterMax = 0xffff;

/** The last 12 hex digits of a node's UUID: enough to tell two nodes' stamps apart. */
export const hlcNodeOf = (nodeId: string): string => nodeId.replaceAll('-', '').slice(-12);

const formatHlc = (state: HlcState, node: string): Hlc =>
  `${String(state.ms).padStart(14, '0')}-${state.counter.toString(16).padStart(4, '0')}-${node}` as Hlc;

/** Next state after a local event: never behind the wall clock, never equal to or behind an earlier stamp. */
function advance(state: HlcState, wallMs: number): HlcState {
  if (wallMs > state.ms) return { ms: wallMs, counter: 0 };
  return state.counter < counterMax ? { ms: state.ms, counter: state.counter + 1 } : { ms: state.ms + 1, counter: 0 };
}

/**
 * Stamps a local event. The result is greater than every stamp that this state gave or saw.
 * @param node 12 hex digits, from {@link hlcNodeOf}
 */
export function hlcTick(state: HlcState, wallMs: number, node: string): readonly [HlcState, Hlc] {
  const next = advance(state, Math.floor(wallMs));
  return [next, formatHlc(next, node)];
}

/** Takes note of a stamp that was read from elsewhere, so that the next local one sorts after it. */
export function hlcObserve(state: HlcState, seen: Hlc): HlcState {
  const { ms, counter } = hlcParse(seen);
  return ms > state.ms || (ms === state.ms && counter > state.counter) ? { ms, counter } : state;
}

/** The stamp itself if it is later than `before`, else the next after that one, of the same node. */
export function hlcAfter(stamp: Hlc, before: Hlc | undefined): Hlc {
  if (before === undefined || stamp > before) return stamp;
  return hlcTick(hlcObserve(hlcZero, before), 0, hlcParse(stamp).node)[1];
}

export function hlcParse(stamp: Hlc): { readonly ms: number; readonly counter: number; readonly node: string } {
  return { ms: Number(stamp.slice(0, 14)), counter: Number.parseInt(stamp.slice(15, 19), 16), node: stamp.slice(20) };
}
