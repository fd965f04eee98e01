import { brokerLimits } from '../broker-limits.ts';
import { createKeyedMemory } from '../keyed-memory.ts';

/**
 * Counts wrong credentials per (address, user name): after `badCredentialsMax` in a window the pair waits for the rest of
 * it (SECURITY 3.8). Machines behind one address do not delay each other, because the user name is part of the key.
 */
export type FailedLogins = {
  blocked(address: string, username: string): boolean;
  record(address: string, username: string): void;
};

export function createFailedLogins(nowMs: () => number = Date.now): FailedLogins {
  const windows = createKeyedMemory<{ since: number; count: number }>(brokerLimits.rememberedKeysMax);
  const current = (key: string) => {
    const window = windows.get(key);
    return window && nowMs() - window.since < brokerLimits.badCredentialsWindowMs ? window : undefined;
  };
  return {
    blocked: (address, username) => (current(`${address} ${username}`)?.count ?? 0) >= brokerLimits.badCredentialsMax,
    record(address, username) {
      const key = `${address} ${username}`;
      const window = current(key);
      if (window) window.count += 1;
      else windows.set(key, { since: nowMs(), count: 1 });
    },
  };
}
