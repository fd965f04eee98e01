import type { ErrorCode } from '@sgp/shared/errors';

/**
 * What a refused push or handshake asks of the sender (docs/sync-protocol.md §4.4):
 * - `clock`: sign again with the Core's time
 * - `resend`: the same bytes again, after a pause: they were damaged on the way, or the nonce was seen; if that does not
 *   help, a smaller batch
 * - `renumber`: the same changes under a new push number
 * - `content`: something in the batch is refused and will always be: find it and park it
 * - `server`: the Core broke; when it goes on breaking at the same batch, the batch is suspected
 * - `busy`: the Core cannot now
 * - `superseded`: say hello: another start of this node spoke to the Core since
 * - `forked`: two copies of this node live; a person must decide, and the handshake tells when that was done
 * - `paused`: the Core will not, until somebody there decides otherwise
 * - `failed`: the Core will not, until somebody here repairs something
 */
export type RefusalKind =
  | 'clock'
  | 'resend'
  | 'renumber'
  | 'content'
  | 'server'
  | 'busy'
  | 'superseded'
  | 'forked'
  | 'paused'
  | 'failed';

const kinds: { readonly [Code in ErrorCode]?: RefusalKind } = {
  SIG_CLOCK_SKEW: 'clock',
  SIG_REPLAY: 'resend',
  DIGEST_MISMATCH: 'resend',
  SEQ_STALE: 'renumber',
  IDEMPOTENCY_CONFLICT: 'renumber',
  BODY_INVALID: 'content',
  BODY_TOO_LARGE: 'content',
  INTERNAL: 'server',
  UNAVAILABLE: 'busy',
  RATE_LIMITED: 'busy',
  HASH_BUSY: 'busy',
  DISK_FULL: 'busy',
  NODE_SUPERSEDED: 'superseded',
  NODE_STATE_FORKED: 'forked',
  NODE_BANNED: 'paused',
  LICENSE_RESTRICTED: 'paused',
};

/** A code that no push should meet needs a person, and costs nothing but time: everything is kept. */
export const refusalKind = (code: ErrorCode): RefusalKind => kinds[code] ?? 'failed';
