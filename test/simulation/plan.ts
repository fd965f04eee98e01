import type { Room } from './edge-shed.ts';
import { createRandom, type Random } from './random.ts';
import type { WireWeather } from './wire.ts';

/** A plan is all that happens from outside: what people do, and what breaks. It is made from a seed, and is data. */
export type Plan = { readonly seed: number; readonly edges: number; readonly steps: readonly Step[] };
export type Step = { readonly atMs: number; readonly edge: number } & Action;
export type CrashAt = 'now' | 'before-commit' | 'after-commit';
export type Action =
  | { readonly do: 'write'; readonly stream: 'orders' | 'customers'; readonly entity: number; readonly poison: boolean }
  | { readonly do: 'roll-up' }
  | { readonly do: 'weather'; readonly weather: Partial<WireWeather> }
  /** What the machine takes for the time is so far from the true one. */
  | { readonly do: 'clock-edge' | 'clock-core'; readonly offsetMs: number }
  | { readonly do: 'hang-edge' | 'hang-core'; readonly forMs: number }
  | { readonly do: 'crash-edge' | 'crash-core'; readonly at: CrashAt; readonly downMs: number }
  | { readonly do: 'room'; readonly room: Room }
  | { readonly do: 'version-edge' | 'version-core'; readonly version: 1 | 2 }
  | { readonly do: 'room-core'; readonly full: boolean }
  /** A disk is copied while it runs, and the copy runs on another machine; one of the two is switched off for good. */
  | { readonly do: 'clone' | 'switch-off' }
  | { readonly do: 'back-up' | 'restore' | 'back-up-core' | 'restore-core' };

/** How long people work and things break; then everything heals. */
export const busyMs = 4 * 60_000;

type Maker = readonly [weight: number, make: (random: Random) => Action];
const crashAt = (r: Random): CrashAt => r.pick(['now', 'before-commit', 'after-commit']);

const people: readonly Maker[] = [
  [20, (r) => ({ do: 'write', stream: 'orders', entity: r.int(1, 6), poison: false })],
  [6, (r) => ({ do: 'write', stream: 'customers', entity: r.int(1, 4), poison: false })],
  [1, (r) => ({ do: 'write', stream: 'orders', entity: r.int(1, 6), poison: true })],
  [4, () => ({ do: 'roll-up' })],
];
const weathers: readonly Partial<WireWeather>[] = [
  { line: 'cut' },
  { line: 'half-open' },
  { line: 'one-way' },
  { line: 'open' },
  { lossOfRequest: 0.2 },
  { lossOfAnswer: 0.3 },
  { twice: 0.3 },
  { latencyMs: 400, jitterMs: 800 },
  { line: 'open', lossOfRequest: 0, lossOfAnswer: 0, twice: 0 },
];
const dayMs = 24 * 3_600_000;
const clockOffsets = [0, 5, 20, 45, 90, 600, 3600]
  .flatMap((s) => [s * 1000, -s * 1000])
  .concat(dayMs, -dayMs, 3 * dayMs, -3 * dayMs);
const hangs = [2_000, 10_000, 40_000, 90_000, 180_000];
const faults: readonly Maker[] = [
  [4, (r) => ({ do: 'clock-edge', offsetMs: r.pick(clockOffsets) })],
  [1, (r) => ({ do: 'clock-core', offsetMs: r.pick(clockOffsets) })],
  [2, (r) => ({ do: 'hang-edge', forMs: r.pick(hangs) })],
  [1, (r) => ({ do: 'hang-core', forMs: r.pick(hangs) })],
  [10, (r) => ({ do: 'weather', weather: r.pick(weathers) })],
  [6, (r) => ({ do: 'crash-edge', at: crashAt(r), downMs: r.pick([0, 100, 5_000, 60_000]) })],
  [4, (r) => ({ do: 'crash-core', at: crashAt(r), downMs: r.pick([0, 1_000, 20_000]) })],
  [1, (r) => ({ do: 'version-edge', version: r.pick([1, 2] as const) })],
  [2, (r) => ({ do: 'version-core', version: r.pick([1, 2] as const) })],
  [3, (r) => ({ do: 'room', room: r.pick(['free', 'nearly-full', 'nearly-full', 'full'] as const) })],
  [1, (r) => ({ do: 'room-core', full: r.chance(0.5) })],
  [1, () => ({ do: 'clone' })],
  [1, () => ({ do: 'switch-off' })],
  [2, () => ({ do: 'back-up' })],
  [2, () => ({ do: 'restore' })],
  [1, () => ({ do: 'back-up-core' })],
  [1, () => ({ do: 'restore-core' })],
];

function draw(makers: readonly Maker[], random: Random): Action {
  let left = random.next() * makers.reduce((sum, [weight]) => sum + weight, 0);
  const chosen = makers.find(([weight]) => {
    left -= weight;
    return left < 0;
  });
  return (chosen ?? (makers[0] as Maker))[1](random);
}

export function makePlan(seed: number): Plan {
  const random = createRandom(seed);
  const edges = random.int(1, 3);
  const count = random.int(10, 70);
  const faultShare = random.pick([0, 0.15, 0.3, 0.5]);
  const steps = Array.from({ length: count }, (): Step => {
    const atMs = random.int(0, busyMs);
    const edge = random.int(0, edges - 1);
    return { atMs, edge, ...draw(random.chance(faultShare) ? faults : people, random) };
  });
  return { seed, edges, steps: steps.sort((a, b) => a.atMs - b.atMs) };
}
