import { parseDeviceUsername } from '@sgp/shared/topics';

/** Who a connection is, once its credentials were right. Everything that it may do follows from this alone. */
export type Identity =
  | { readonly kind: 'service'; readonly username: string }
  | { readonly kind: 'device'; readonly username: string; readonly device: string };

const servicePattern = /^_[a-z0-9-]{1,32}$/;
const purposePattern = /^[a-z0-9-]{1,32}$/;

/** The identity that a user name claims; null when no identity of this establishment is written so (SECURITY D2). */
export function claimedIdentity(username: string, est: string): Identity | null {
  if (servicePattern.test(username)) return { kind: 'service', username };
  const device = parseDeviceUsername(username);
  return device?.est === est ? { kind: 'device', username, device: device.device } : null;
}

/**
 * SECURITY D1: a clientId names the session that a connection takes over, so it is bound to the user name. A service may
 * hold a second connection as `username:purpose`.
 */
export function clientIdBelongs(identity: Identity, clientId: string): boolean {
  if (clientId === identity.username) return true;
  const prefix = `${identity.username}:`;
  return (
    identity.kind === 'service' && clientId.startsWith(prefix) && purposePattern.test(clientId.slice(prefix.length))
  );
}
