import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** Signature Version 4 as a server checks it: in the Authorization header, or in the query of a presigned address. */

export type S3Credentials = { readonly accessKeyId: string; readonly secretAccessKey: string };

/** A refusal with S3's own error code. */
export class S3Error extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, message: string = code) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

const headerSkewMaxMs = 15 * 60 * 1000;

const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
const encodePath = (path: string): string =>
  path
    .split('/')
    .map((part) => encode(decodeURIComponent(part)))
    .join('/');
const hmac = (key: string | Buffer, data: string): Buffer => createHmac('sha256', key).update(data).digest();
const sha256 = (data: string): string => createHash('sha256').update(data).digest('hex');

type Claims = {
  readonly credential: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  /** `20260131T120000Z`. */
  readonly time: string;
  /** Seconds that a presigned address lives; null for a signed header. */
  readonly livesS: number | null;
};

/** @throws S3Error 403 or 400 */
export function verifySignature(request: IncomingMessage, url: URL, credentials: S3Credentials): void {
  const claims = readClaims(request, url.searchParams);
  const [accessKeyId, date = '', region = '', service = '', end] = claims.credential.split('/');
  const at = Date.parse(claims.time.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
  if (accessKeyId !== credentials.accessKeyId) throw new S3Error(403, 'InvalidAccessKeyId');
  if (end !== 'aws4_request' || Number.isNaN(at) || !claims.time.startsWith(date))
    throw new S3Error(400, 'AuthorizationHeaderMalformed');
  checkTime(at, claims.livesS);
  const key = hmac(hmac(hmac(hmac(`AWS4${credentials.secretAccessKey}`, date), region), service), 'aws4_request');
  const scope = `${date}/${region}/${service}/aws4_request`;
  const hash = sha256(canonicalRequest(request, url, claims));
  const wanted = hmac(key, `AWS4-HMAC-SHA256\n${claims.time}\n${scope}\n${hash}`).toString('hex');
  if (wanted.length !== claims.signature.length || !timingSafeEqual(Buffer.from(wanted), Buffer.from(claims.signature)))
    throw new S3Error(403, 'SignatureDoesNotMatch');
}

function checkTime(at: number, livesS: number | null): void {
  if (livesS === null) {
    if (Math.abs(Date.now() - at) > headerSkewMaxMs) throw new S3Error(403, 'RequestTimeTooSkewed');
  } else if (Date.now() > at + livesS * 1000) throw new S3Error(403, 'AccessDenied', 'Request has expired');
}

function readClaims(request: IncomingMessage, query: URLSearchParams): Claims {
  if (query.has('X-Amz-Signature'))
    return {
      credential: query.get('X-Amz-Credential') ?? '',
      signedHeaders: (query.get('X-Amz-SignedHeaders') ?? '').split(';'),
      signature: query.get('X-Amz-Signature') ?? '',
      time: query.get('X-Amz-Date') ?? '',
      livesS: Number(query.get('X-Amz-Expires')),
    };
  const text = request.headers.authorization;
  if (text === undefined) throw new S3Error(403, 'AccessDenied', 'Anonymous access is off');
  const field = (name: string): string => new RegExp(`${name}=([^,\\s]+)`).exec(text)?.[1] ?? '';
  return {
    credential: field('Credential'),
    signedHeaders: field('SignedHeaders').split(';'),
    signature: field('Signature'),
    time: String(request.headers['x-amz-date'] ?? ''),
    livesS: null,
  };
}

function canonicalRequest(request: IncomingMessage, url: URL, claims: Claims): string {
  const query = [...url.searchParams]
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join('&');
  const header = (name: string): string => String(request.headers[name] ?? '');
  return [
    request.method,
    encodePath(url.pathname),
    query,
    ...claims.signedHeaders.map((name) => `${name}:${header(name).trim().replace(/\s+/g, ' ')}`),
    '',
    claims.signedHeaders.join(';'),
    header('x-amz-content-sha256') || 'UNSIGNED-PAYLOAD',
  ].join('\n');
}
