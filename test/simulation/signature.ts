import { limits } from '@sgp/shared/limits';
import type { PushOutcome } from '@sgp/sync-engine/ports';

/**
 * The Core's look at the time of a signature (SECURITY 3.1), the only part of it that breaks without an adversary.
 * @param createdMs the edge's clock and what the Core taught about it
 * @returns the refusal, or null
 */
export function judgeSignatureTime(
  createdMs: number,
  coreMs: number,
): Extract<PushOutcome, { type: 'refused' }> | null {
  const skewMs = limits.signatureSkewMaxS * 1000;
  if (createdMs <= coreMs + skewMs && createdMs + limits.signatureLifeS * 1000 >= coreMs - skewMs) return null;
  return { type: 'refused', code: 'SIG_CLOCK_SKEW', detail: '', serverTimeMs: coreMs };
}
