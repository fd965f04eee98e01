import { randomBytes } from 'node:crypto';
import { sha256Hex } from './digest.ts';

/** Browser sessions by opaque token: the token is in the browser alone, the database has its SHA-256. */

/** 256 bits in base64url; anything else is not even looked up. */
const tokenPattern = /^[A-Za-z0-9_-]{43}$/;

/** A token for a sign-in. Each sign-in makes a new one, so that none from before it lives on (SECURITY A12). */
export function newSessionToken(): { readonly token: string; readonly tokenHash: string } {
  const token = randomBytes(32).toString('base64url');
  return { token, tokenHash: sha256Hex(token) };
}

/** What to look a token up by; null when it cannot be one. */
export const sessionTokenHash = (token: string | undefined): string | null =>
  token !== undefined && tokenPattern.test(token) ? sha256Hex(token) : null;

/** When a session ends: `idleMs` after its last use, and `maxMs` after it began in any case. Milliseconds since 1970. */
export const sessionEnd = (
  session: { readonly createdAt: number; readonly seenAt: number },
  limit: { readonly idleMs: number; readonly maxMs: number },
): number => Math.min(session.seenAt + limit.idleMs, session.createdAt + limit.maxMs);
