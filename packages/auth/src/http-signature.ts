import { createPrivateKey, createPublicKey, randomBytes, sign as signBytes, verify as verifyBytes } from 'node:crypto';
import type { PublicJwk } from '@sgp/shared/api/licensing';
import { AppError } from '@sgp/shared/errors';
import { limits } from '@sgp/shared/limits';
import {
  createSignatureSync,
  type FieldOccurrence,
  isSignatureError,
  type RequestDescriptor,
  type SignatureErrorCode,
  type VerifiedSignature,
  verifySignature,
} from 'http-message-sig';
import { contentDigest, safeEqual } from './digest.ts';
import { rawFields, singleValues } from './signature-headers.ts';

/** Signed calls between a node and the Core: RFC 9421 over RFC 9530 digests, Ed25519 only (SECURITY 3.1). */

/** What a signature is for; one made for another protocol is refused. */
export type SignatureTag = 'snapshot-push/1' | 'snapshot-bundle/1' | 'media-push/1' | 'checkin/1' | 'changes/1';
/** An Ed25519 key pair (RFC 8037). It is a secret. */
export type PrivateJwk = PublicJwk & { readonly d: string };

export type RequestToSign = {
  readonly method: string;
  /** Path alone: signed calls carry no query. */
  readonly path: string;
  readonly contentType: string;
  readonly contentEncoding?: 'gzip' | 'zstd';
  /** The bytes as they travel, after compression; empty for HEAD and GET. */
  readonly body: Uint8Array;
  /** 22 characters or more of A–Z a–z 0–9 _ -; the same for every retry of one call. */
  readonly idempotencyKey: string;
  /** The Core's time as far as the caller knows it: the wall clock, plus the offset learnt from SIG_CLOCK_SKEW. */
  readonly nowMs: number;
};

export type RequestSigner = {
  /** All headers to send, `x-api-key` and `x-node-id` included. Each call makes a new nonce. */
  sign(request: RequestToSign): Promise<Record<string, string>>;
};

/** A file travels by hand, for weeks, from a PC whose clock nobody sets; every other call is on the line now. */
const timesOf = (tag: SignatureTag): { readonly lifeS: number; readonly skewMaxS: number } =>
  tag === 'snapshot-bundle/1'
    ? { lifeS: limits.bundleLifeS, skewMaxS: limits.bundleSkewMaxS }
    : { lifeS: limits.signatureLifeS, skewMaxS: limits.signatureSkewMaxS };

const label = 'sig1';
const coveredAlways = [
  '@method',
  '@authority',
  '@path',
  '@query',
  'content-type',
  'content-digest',
  'x-node-id',
  'idempotency-key',
] as const;
const requiredParameters = ['created', 'expires', 'nonce', 'keyid', 'alg', 'tag'];
const tokenPattern = /^[A-Za-z0-9_-]{22,128}$/;
const shortIdPattern = /^[a-z0-9]{12}$/;

/** `content-encoding` is signed when it is sent: the same bytes must not be read in another way. */
const componentsFor = (hasContentEncoding: boolean): readonly string[] =>
  hasContentEncoding ? [...coveredAlways, 'content-encoding'] : coveredAlways;

/**
 * Signs the calls of one node for one purpose.
 * @param options.authority host and port that the Core knows as its own, whatever address the connection goes to
 */
export function createRequestSigner(options: {
  readonly shortId: string;
  readonly apiKey: string;
  readonly keyId: string;
  readonly privateJwk: PrivateJwk;
  readonly authority: string;
  readonly tag: SignatureTag;
}): RequestSigner {
  const key = createPrivateKey({ key: { ...options.privateJwk }, format: 'jwk' });
  const signer = { algorithm: 'ed25519', sign: (data: Uint8Array): Uint8Array => signBytes(null, data, key) };
  return {
    async sign({ method, path, contentType, contentEncoding, body, idempotencyKey, nowMs }) {
      const headers: Record<string, string> = {
        'content-type': contentType,
        ...(contentEncoding && { 'content-encoding': contentEncoding }),
        'content-digest': contentDigest(body),
        'x-node-id': options.shortId,
        'idempotency-key': idempotencyKey,
      };
      const createdS = Math.floor(nowMs / 1000);
      const fields = createSignatureSync(
        describe(method, options.authority, path, Object.entries(headers).map(toField)),
        {
          label,
          components: componentsFor(contentEncoding !== undefined),
          parameters: {
            created: createdS,
            expires: createdS + timesOf(options.tag).lifeS,
            nonce: randomBytes(16).toString('base64url'),
            keyid: options.keyId,
            alg: 'ed25519',
            tag: options.tag,
          },
          signer,
        },
      );
      return {
        ...headers,
        'x-api-key': options.apiKey,
        'signature-input': fields.signatureInput,
        signature: fields.signature,
      };
    },
  };
}

export type SignedRequest = {
  readonly method: string;
  /** Path as it was received, neither decoded nor normalised. */
  readonly path: string;
  /** Query string without or with its `?`; anything in it is refused. */
  readonly query: string;
  /** `request.rawHeaders` of node:http: name, value, name, value… */
  readonly rawHeaders: readonly string[];
  /** The bytes as they arrived. */
  readonly body: Uint8Array;
};

export type VerifiedRequest = {
  readonly keyId: string;
  /** Unique per key: the caller stores it and refuses it a second time (SIG_REPLAY). */
  readonly nonce: string;
  readonly createdS: number;
  readonly expiresS: number;
  /** Each covered component with its value. With the next two it proves later what was sent; no secret is in it. */
  readonly covered: Record<string, string>;
  readonly signature: string;
  readonly signatureInput: string;
};

/**
 * Verifies a signed call in the order of SECURITY 3.1: query, duplicate headers, digest, signature, window. What no
 * signature can show is left to the caller: that `x-node-id` is the API key's node, and that the nonce is new.
 * @param rules.authority from the configuration, never from the Host header
 * @param rules.findKey the keys of the calling node only; another node's key is unknown here
 * @throws AppError SIG_QUERY_FORBIDDEN, HDR_DUPLICATE, SIG_MISSING, DIGEST_MISMATCH, SIG_MALFORMED, SIG_POLICY,
 *   SIG_KEY_UNKNOWN, SIG_INVALID, or SIG_CLOCK_SKEW with our time as `details.serverTimeMs`, told only to who signed rightly
 */
export async function verifyRequest(
  request: SignedRequest,
  rules: {
    readonly authority: string;
    readonly tag: SignatureTag;
    readonly nowMs: number;
    readonly findKey: (keyId: string) => PublicJwk | undefined;
  },
): Promise<VerifiedRequest> {
  if (request.query !== '' && request.query !== '?')
    throw new AppError('SIG_QUERY_FORBIDDEN', 'A signed call takes no query string.');
  const headers = singleValues(request.rawHeaders);
  const signature = headers.get('signature');
  const signatureInput = headers.get('signature-input');
  if (signature === undefined && signatureInput === undefined)
    throw new AppError('SIG_MISSING', 'This call must be signed (RFC 9421).');
  if (signature === undefined || signatureInput === undefined)
    throw new AppError('SIG_MALFORMED', 'Signature and Signature-Input go together; one of them is missing.');
  const digest = headers.get('content-digest');
  if (digest === undefined) throw policyError('there is no Content-Digest');
  if (!safeEqual(digest, contentDigest(request.body)))
    throw new AppError('DIGEST_MISMATCH', 'Content-Digest is not the SHA-256 of the bytes that arrived.');

  const components = componentsFor(headers.has('content-encoding'));
  const verified = await verifyFields(request, components, rules);
  const { created, expires, nonce, keyid } = verified.parameters;
  if (typeof created !== 'number' || typeof expires !== 'number' || nonce === undefined || keyid === undefined)
    throw policyError('a parameter is missing');
  checkWindow({ createdS: created, expiresS: expires }, rules);
  const derived: Record<string, string> = {
    '@method': request.method,
    '@authority': rules.authority,
    '@path': request.path,
    '@query': '?',
  };
  return {
    keyId: keyid,
    nonce,
    createdS: created,
    expiresS: expires,
    covered: Object.fromEntries(components.map((name) => [name, derived[name] ?? headers.get(name) ?? ''])),
    signature,
    signatureInput,
  };
}

async function verifyFields(
  request: SignedRequest,
  components: readonly string[],
  rules: Parameters<typeof verifyRequest>[1],
): Promise<VerifiedSignature> {
  try {
    return await verifySignature(
      describe(request.method, rules.authority, request.path, rawFields(request.rawHeaders)),
      {
        policy: {
          algorithms: ['ed25519'],
          requiredComponents: components,
          requiredParameters,
          // The window is checked by us after the signature, so that a wrong clock is told apart from a wrong key.
          clockSkew: Number.MAX_SAFE_INTEGER,
          now: Math.floor(rules.nowMs / 1000),
        },
        resolveVerifier(candidate) {
          if (candidate.label !== label) throw policyError(`the signature is not labelled ${label}`);
          if (candidate.components.length !== components.length) throw policyError('it covers more than it must');
          const extra = Object.keys(candidate.parameters).find((name) => !requiredParameters.includes(name));
          if (extra !== undefined) throw policyError(`the parameter ${extra} is not known`);
          checkParameters(candidate.parameters, rules.tag);
          checkFields(request.rawHeaders);
          const jwk = rules.findKey(candidate.parameters.keyid ?? '');
          if (!jwk) throw new AppError('SIG_KEY_UNKNOWN', 'The key that signed is not a key of this node.');
          const key = createPublicKey({ key: { ...jwk }, format: 'jwk' });
          return { algorithm: 'ed25519', verify: (data, bytes) => verifyBytes(null, data, key, bytes) };
        },
      },
    );
  } catch (error) {
    throw toRefusal(error);
  }
}

function checkParameters(parameters: VerifiedSignature['parameters'], tag: SignatureTag): void {
  if (parameters.tag !== tag) throw policyError(`its tag is not ${tag}`);
  if (!tokenPattern.test(parameters.nonce ?? '')) throw policyError('its nonce is not 22 to 128 of base64url');
  const { created, expires } = parameters;
  if (typeof created !== 'number' || typeof expires !== 'number') throw policyError('its times are not integers');
  const { lifeS } = timesOf(tag);
  if (expires <= created || expires - created > lifeS) throw policyError(`it must live at most ${lifeS} seconds`);
}

function checkFields(rawHeaders: readonly string[]): void {
  const headers = singleValues(rawHeaders);
  if (!shortIdPattern.test(headers.get('x-node-id') ?? '')) throw policyError('x-node-id is not 12 of a-z and 0-9');
  if (!tokenPattern.test(headers.get('idempotency-key') ?? ''))
    throw policyError('idempotency-key is not 22 to 128 of base64url');
}

function checkWindow(
  { createdS, expiresS }: Pick<VerifiedRequest, 'createdS' | 'expiresS'>,
  { tag, nowMs }: Pick<Parameters<typeof verifyRequest>[1], 'tag' | 'nowMs'>,
): void {
  const nowS = Math.floor(nowMs / 1000);
  const { skewMaxS } = timesOf(tag);
  if (createdS <= nowS + skewMaxS && expiresS >= nowS - skewMaxS) return;
  throw new AppError(
    'SIG_CLOCK_SKEW',
    'The signature is right, but its time is too far from ours; sign again with our time.',
    {
      details: { serverTimeMs: nowMs },
    },
  );
}

/** The scheme plays no part: it is not covered, since TLS ends at the proxy in front of the Core. */
const describe = (
  method: string,
  authority: string,
  path: string,
  fields: readonly FieldOccurrence[],
): RequestDescriptor => ({ kind: 'request', method, targetUri: `https://${authority}${path}`, fields });

const toField = ([name, value]: readonly [string, string]): FieldOccurrence => ({ name, value });

const policyError = (reason: string): AppError =>
  new AppError('SIG_POLICY', `The call is signed, but not as it must be: ${reason}.`);

const refusalByFault = {
  MissingField: 'SIG_POLICY',
  MalformedField: 'SIG_MALFORMED',
  LabelRequired: 'SIG_POLICY',
  LabelMismatch: 'SIG_MALFORMED',
  DuplicateLabel: 'SIG_MALFORMED',
  InvalidComponent: 'SIG_MALFORMED',
  DuplicateComponent: 'SIG_MALFORMED',
  UnsupportedFeature: 'SIG_MALFORMED',
  AlgorithmMismatch: 'SIG_POLICY',
  PolicyViolation: 'SIG_POLICY',
  VerificationFailed: 'SIG_INVALID',
  ResolverFailed: 'SIG_KEY_UNKNOWN',
} as const satisfies Record<SignatureErrorCode, 'SIG_POLICY' | 'SIG_MALFORMED' | 'SIG_INVALID' | 'SIG_KEY_UNKNOWN'>;

/** Whatever a verifier throws ends in a refusal (SECURITY R8): nothing passes because something broke. */
function toRefusal(error: unknown): AppError {
  if (error instanceof AppError) return error;
  if (!isSignatureError(error)) return new AppError('SIG_MALFORMED', 'The signature cannot be read.', { cause: error });
  if (error.cause instanceof AppError) return error.cause;
  return new AppError(refusalByFault[error.code], `The signature is refused: ${error.message}.`, { cause: error });
}
