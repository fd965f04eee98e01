import { limits } from '@sgp/shared/limits';
import { outOfReach } from './uplink-failures.ts';
import { turnAllOff } from './uplink-helpers.ts';
import {
  type Effect,
  type Env,
  type Memory,
  type Phase,
  type Step,
  type UplinkState,
  withMemory,
} from './uplink-state.ts';
import { cutOff, greet } from './uplink-steps.ts';

/**
 * The watchdog on position (docs/sync-protocol.md §3.4). It counts ticks of a timer instead of comparing times, so that
 * a clock that jumps neither sets it off nor keeps it still.
 */

const ticksUntilReset = 4;
export const watchTickMs = limits.syncWatchdogMs / ticksUntilReset;

/** These have something under way, and nothing failed. */
const underWay: { readonly [P in Phase]: boolean } = {
  idle: false,
  greeting: true,
  renewing: true,
  loading: true,
  pushing: true,
  storing: true,
  waiting: false,
  stopped: false,
};

export const scheduleWatch: Effect = { type: 'schedule', timer: 'watch-due', delayMs: watchTickMs };

export function onWatchDue(state: UplinkState, _event: unknown, env: Env): Step {
  const { memory, phase } = state;
  const ticked: Memory = {
    ...memory,
    stalledTicks: underWay[phase] ? memory.stalledTicks + 1 : 0,
    helpers: memory.helpers.map((each) => (each.phase === 'off' ? each : { ...each, ticks: each.ticks + 1 })),
  };
  // The first tick may follow at once on what it counts: the limit has passed only after one more.
  const stalled = [ticked.stalledTicks, ...ticked.helpers.map(({ ticks }) => ticks)].some((n) => n > ticksUntilReset);
  if (!stalled) return [withMemory(state, ticked), [scheduleWatch]];
  return resetLink(withMemory(state, ticked), env);
}

function resetLink(state: UplinkState, env: Env): Step {
  const [freed, releases] = turnAllOff(state.memory);
  const { phase } = state;
  const lost = phase === 'pushing' || phase === 'greeting' ? outOfReach(freed, env.now) : freed;
  const begun: Memory = { ...cutOff(lost), exchanged: false, stalledTicks: 0 };
  const effects: readonly Effect[] = [{ type: 'reset-link' }, ...releases, scheduleWatch];
  // Who waits for its next attempt says hello then.
  if (phase === 'waiting') return [withMemory(state, begun), effects];
  const [greeting, hello] = greet(begun, env);
  return [greeting, [...effects, ...hello]];
}
