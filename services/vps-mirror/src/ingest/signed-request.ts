import { type SignatureTag, type VerifiedRequest, verifyRequest } from '@sgp/auth/http-signature';
import type { NodeRecord } from '@sgp/shared/api/licensing';
import { AppError, type ErrorCode } from '@sgp/shared/errors';
import type { Context } from 'koa';
import type * as z from 'zod';
import { inflate, parseJson } from './decode-batch.ts';
import type { NonceStore } from './nonce-store.ts';
import type { NodeLimiter } from './push-limiter.ts';
import type { StrikeLimiter } from './strike-limiter.ts';

export type SignedRequestDeps = {
  /** Host and port that signatures must name: from the configuration, never from the Host header. */
  readonly authority: string;
  readonly nonces: Pick<NonceStore, 'use'>;
  readonly strikes: Pick<StrikeLimiter, 'strike'>;
  readonly now: () => number;
};

/** Refusals that a guesser would cause. A wrong clock or a repeated nonce comes from somebody who holds the key. */
const strikeCodes: ReadonlySet<ErrorCode> = new Set([
  ...(['DIGEST_MISMATCH', 'SIG_MISSING', 'SIG_MALFORMED', 'SIG_POLICY', 'SIG_KEY_UNKNOWN', 'SIG_INVALID'] as const),
]);

/** Is this refusal one that counts against the address? */
export const isGuess = (error: unknown): boolean => error instanceof AppError && strikeCodes.has(error.code);

/**
 * Digest → signature by a key of this very node → tag and window → nonce, as SECURITY 3.1 orders them. The nonce is the
 * last check and the first thing that is written, so that junk leaves no row.
 * @throws AppError the refusals of `verifyRequest`, and SIG_REPLAY
 */
export async function verifySigned(
  deps: SignedRequestDeps,
  call: { readonly ctx: Context; readonly node: NodeRecord; readonly body: Buffer; readonly tag: SignatureTag },
): Promise<VerifiedRequest> {
  const { ctx, node, body, tag } = call;
  const [path = '', ...query] = (ctx.req.url ?? '').split('?');
  const request = { method: ctx.method, path, query: query.join('?'), rawHeaders: ctx.req.rawHeaders, body };
  const findKey = (keyId: string): NodeRecord['keys'][number]['publicJwk'] | undefined =>
    node.keys.find((key) => key.keyId === keyId)?.publicJwk;
  try {
    const verified = await verifyRequest(request, { authority: deps.authority, tag, nowMs: deps.now(), findKey });
    await deps.nonces.use(verified.keyId, verified.nonce, verified.createdS);
    return verified;
  } catch (error) {
    if (isGuess(error)) deps.strikes.strike(ctx.ip);
    throw error;
  }
}

export type SignedCall = { readonly ctx: Context; readonly node: NodeRecord; readonly body: Buffer };

/** What every body of sync says of its sender. */
type Sender = { readonly companyId: string; readonly establishmentId: string; readonly nodeId: string };

/** @throws AppError TENANT_MISMATCH (SECURITY P10) */
export function requireTenant(sender: Sender, node: NodeRecord): void {
  const own =
    sender.companyId === node.companyId &&
    sender.establishmentId === node.establishmentId &&
    sender.nodeId === node.nodeId;
  if (!own) throw new AppError('TENANT_MISMATCH', 'The call names another company, establishment or node.');
}

/** @throws AppError CONTENT_TYPE_UNSUPPORTED, BODY_TOO_LARGE, BODY_INVALID */
export async function signedJsonBytes({ covered }: VerifiedRequest, body: Buffer): Promise<Buffer> {
  if (covered['content-type'] !== 'application/json')
    throw new AppError('CONTENT_TYPE_UNSUPPORTED', 'This address takes application/json.');
  return inflate(body, covered['content-encoding'] ?? '');
}

/**
 * A signed call of the sync protocol that is no push: verified, within the node's rate, of the schema and of the tenant.
 * @throws AppError those of `verifySigned`, RATE_LIMITED, TENANT_MISMATCH and those of a body; ZodError
 */
export async function signedJson<Body extends Sender>(
  deps: SignedRequestDeps & { readonly limiter: NodeLimiter },
  call: SignedCall,
  schema: z.ZodType<Body>,
): Promise<Body> {
  const verified = await verifySigned(deps, { ...call, tag: 'snapshot-push/1' });
  deps.limiter.take(call.node.nodeId);
  const body = schema.parse(parseJson(await signedJsonBytes(verified, call.body)));
  requireTenant(body, call.node);
  return body;
}
