import type { StoreFault } from '../storage/object-store.ts';
import { backoffMs, type Gate } from './backoff.ts';

/**
 * Tells the gate what a failed try means for everybody.
 * @returns when this photo is due again, milliseconds since 1970; 0 as soon as the gate opens
 */
export function heedFault(gate: Gate, fault: StoreFault, attempts: number, nowMs: number): number {
  if (fault.outcome === 'rejected') return nowMs + backoffMs(attempts, Math.random());
  // The gate holds everybody back; the photo itself stays due, so that it goes as soon as the gate opens.
  if (fault.retryAfterMs === undefined) gate.failed(nowMs);
  else gate.postponed(nowMs, fault.retryAfterMs);
  return 0;
}
