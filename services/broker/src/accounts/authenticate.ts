import { createHash, timingSafeEqual } from 'node:crypto';
import type { ErrorCode } from '@sgp/shared/errors';
import type { CredentialStore } from './credential-store.ts';
import type { FailedLogins } from './failed-logins.ts';
import { claimedIdentity, clientIdBelongs, type Identity } from './identity.ts';

export type AuthenticateDeps = {
  readonly est: string;
  readonly serviceAccounts: ReadonlyMap<string, string>;
  readonly credentials: Pick<CredentialStore, 'secretsOf'>;
  readonly failedLogins: FailedLogins;
};
export type Claim = {
  readonly username: string | undefined;
  readonly password: Buffer | undefined;
  readonly clientId: string;
  readonly remoteAddress: string;
};
/** `returnCode` is the CONNACK's (MQTT 3.1.1 §3.2.2.3). */
export type Authentication =
  | { readonly identity: Identity; readonly secretSha256: string }
  | { readonly code: ErrorCode; readonly message: string; readonly returnCode: 2 | 3 | 4 };

const nobodysSecret = '0'.repeat(64);

/**
 * Checks a CONNECT. Secrets are 256 random bits, so one SHA-256 is enough (SECURITY 3.7); an unknown user costs as much
 * time as a wrong password.
 */
export function authenticate(deps: AuthenticateDeps, claim: Claim): Authentication {
  const { username, clientId, remoteAddress } = claim;
  if (deps.failedLogins.blocked(remoteAddress, username ?? ''))
    return { code: 'RATE_LIMITED', message: 'too many wrong passwords; wait a minute', returnCode: 3 };
  const identity = username === undefined ? null : claimedIdentity(username, deps.est);
  const digest = createHash('sha256')
    .update(claim.password ?? '')
    .digest();
  const accepted = secretsOf(deps, identity);
  const matching = (accepted.length > 0 ? accepted : [nobodysSecret]).filter((secret) =>
    timingSafeEqual(Buffer.from(secret, 'hex'), digest),
  );
  const secretSha256 = matching[0];
  if (!identity || secretSha256 === undefined || accepted.length === 0) {
    deps.failedLogins.record(remoteAddress, username ?? '');
    const message = username === undefined ? 'no user name given' : 'user name or password is wrong';
    return { code: 'MQTT_CREDENTIALS_INVALID', message, returnCode: 4 };
  }
  if (!clientIdBelongs(identity, clientId))
    return { code: 'MQTT_CLIENT_ID_MISMATCH', message: 'the clientId must be the user name', returnCode: 2 };
  return { identity, secretSha256 };
}

function secretsOf(deps: AuthenticateDeps, identity: Identity | null): readonly string[] {
  if (!identity) return [];
  if (identity.kind === 'device') return deps.credentials.secretsOf(identity.username);
  const secret = deps.serviceAccounts.get(identity.username);
  return secret === undefined ? [] : [secret];
}
