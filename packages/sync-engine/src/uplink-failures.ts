import { limits } from '@sgp/shared/limits';
import type { Push, Refusal } from './ports.ts';
import type { Env, EventOf, Memory, StateIn, Step } from './uplink-state.ts';
import { wait } from './uplink-steps.ts';

/** What pushes and handshakes have in common when they fail. */

/** INTERNAL this often in a row, with some three seconds of pauses between, puts the batch under suspicion. */
export const serverFaultsUntilSuspected = 5;
/** The same push again does not help for ever: what damages it, or remembers its nonce, may go by its bytes. */
export const repeatsUntilRenumbered = 5;
export const repeatsUntilFailed = 2 * repeatsUntilRenumbered;
/** A wrong clock that was corrected twice and is still wrong needs a person. */
export const signingFaultsMax = 3;

/**
 * Everything is kept, a person must act, and the Core is asked again slowly. Where something is wrong for good, by a
 * handshake: a Core that was put back to version 1 takes no push of version 2.
 */
export function block(
  memory: Memory,
  kind: 'failed' | 'paused',
  { code, detail }: Refusal,
  env: Env,
  failed?: Push,
): Step {
  const blocked = { kind, code, detail };
  const greetedAt = kind === 'failed' ? null : memory.greetedAt;
  return wait({ ...memory, blocked, greetedAt }, env, {
    ...(failed && { failed }),
    atLeastMs: limits.syncBackoffMaxMs,
    patient: true,
  });
}

export function onBusy(memory: Memory, refusal: Refusal, env: Env, failed?: Push): Step {
  // A Core that says that it is ill is out of reach, and no witness against a batch.
  const next: Memory =
    refusal.code === 'UNAVAILABLE'
      ? { ...outOfReach(memory, env.now), serverFaults: 0 }
      : { ...memory, offlineSince: null, failures: 0 };
  return wait(next, env, {
    ...(failed && { failed }),
    atLeastMs: refusal.retryAfterMs ?? 0,
    patient: refusal.retryAfterMs !== undefined,
  });
}

export const outOfReach = (memory: Memory, now: number): Memory => ({
  ...memory,
  offlineSince: memory.offlineSince ?? now,
  failures: memory.failures + 1,
});

export function onStorageFailed(
  { memory }: StateIn<'greeting' | 'renewing' | 'loading' | 'storing'>,
  { code, detail }: EventOf<'storage-failed'>,
  env: Env,
): Step {
  return wait({ ...memory, blocked: { kind: 'failed', code, detail } }, env, { patient: true });
}
