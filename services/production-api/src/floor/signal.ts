import type { Machine } from '@sgp/shared/api/machines';
import { limits } from '@sgp/shared/limits';
import type { MachineStatus } from './status.ts';

export type Signal = { readonly signal: Machine['signal']; readonly signalSince: number | null };

/** When the machine last gave a sign of life: a message, or the connection itself. Null when it never did. */
export function lastHeard({ lastMessageAt, online, onlineSince }: MachineStatus): number | null {
  const connectedAt = online ? onlineSince : null;
  if (lastMessageAt === null) return connectedAt;
  return Math.max(lastMessageAt, connectedAt ?? 0);
}

/** Can the machine's state be believed now? All times in milliseconds since 1970. */
export function signalOf(status: MachineStatus, revokedAt: number | null, now: number): Signal {
  if (revokedAt !== null) return { signal: 'revoked', signalSince: revokedAt };
  if (status.lastMessageAt === null) return { signal: 'never', signalSince: null };
  if (status.online === false) return { signal: 'offline', signalSince: status.onlineSince };
  const heardAt = lastHeard(status) as number;
  if (now - heardAt > limits.machineSilentAfterMs) return { signal: 'silent', signalSince: heardAt };
  return { signal: 'online', signalSince: status.onlineSince ?? status.lastMessageAt };
}
