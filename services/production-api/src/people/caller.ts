import type { Role } from '@sgp/shared/api/common';
import type { Actor } from '../audit/audit-store.ts';

export type SessionUser = {
  readonly userId: string;
  readonly name: string;
  readonly login: string;
  readonly role: Role;
};

/** Who calls, as the access rules `session` and `manager` found out. */
export type SessionCaller = {
  readonly user: SessionUser;
  /** SHA-256 of the session's token. */
  readonly sessionId: string;
  /** When the session ends if nobody uses it, in milliseconds since 1970. */
  readonly expiresAt: number;
  readonly actor: Actor;
};
