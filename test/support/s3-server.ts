import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { decodeAwsChunked } from './s3-chunked.ts';
import { type S3Credentials, S3Error, verifySignature } from './s3-signature.ts';

/**
 * `modern`: as Amazon's, with aws-chunked bodies, checksum trailers and conditional writes. `strict`: as OpenStack Swift's
 * s3api and other older stores, which refuse all of these.
 */
export type S3Profile = 'modern' | 'strict';

export type S3Object = { readonly body: Buffer; readonly contentType: string; readonly etag: string };

/** One request as it arrived; `status` is what it was answered, 0 when the connection was cut. */
export type S3Request = { readonly method: string; readonly key: string; status: number };

/** An S3-compatible bucket for tests: path style, SigV4 verified, objects in memory. */
export type S3Server = AsyncDisposable & {
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  readonly credentials: S3Credentials;
  readonly objects: ReadonlyMap<string, S3Object>;
  readonly requests: readonly S3Request[];
  /** `refusing` cuts connections; `failing` answers 503. */
  setDown(how: 'refusing' | 'failing' | null): void;
  /** Loses an object without a word, as stores do. */
  forget(key: string): void;
  /** Called after each answered request. */
  onRequest(listener: (request: S3Request) => void): void;
};

const bodyMaxBytes = 16 * 1024 * 1024;
const conditionalHeaders = ['if-match', 'if-none-match', 'if-unmodified-since', 'x-amz-copy-source-if-match'];

export async function startS3Server(options: { readonly profile?: S3Profile } = {}): Promise<S3Server> {
  const profile = options.profile ?? 'strict';
  const credentials = { accessKeyId: 'test-access-key', secretAccessKey: 'test secret that signs' };
  const bucket = 'photos';
  const objects = new Map<string, S3Object>();
  const requests: S3Request[] = [];
  const listeners: ((request: S3Request) => void)[] = [];
  let down: 'refusing' | 'failing' | null = null;

  const answer = async (request: IncomingMessage, response: ServerResponse, key: string, url: URL): Promise<void> => {
    if (down === 'failing') throw new S3Error(503, 'ServiceUnavailable');
    verifySignature(request, url, credentials);
    if (profile === 'strict') refuseModernWays(request);
    if (url.pathname.split('/')[1] !== bucket) throw new S3Error(404, 'NoSuchBucket');
    if (request.method === 'PUT') {
      await put(request, response, key, objects);
      return;
    }
    const object = objects.get(key);
    if (request.method === 'DELETE') {
      // Amazon answers 204 for what is not there; older stores do not.
      if (profile === 'strict' && !object) throw new S3Error(404, 'NoSuchKey');
      objects.delete(key);
      response.writeHead(204).end();
      return;
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') throw new S3Error(405, 'MethodNotAllowed');
    if (!object) throw new S3Error(404, 'NoSuchKey');
    const { body, contentType, etag } = object;
    response.writeHead(200, { 'content-type': contentType, 'content-length': body.length, etag });
    response.end(request.method === 'HEAD' ? undefined : body);
  };

  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://s3');
    const key = decodeURIComponent(url.pathname.split('/').slice(2).join('/'));
    const entry: S3Request = { method: request.method ?? '', key, status: 0 };
    requests.push(entry);
    response.on('close', () => {
      entry.status = response.writableFinished ? response.statusCode : 0;
      for (const listener of listeners) listener(entry);
    });
    if (down === 'refusing') {
      request.socket.destroy();
      return;
    }
    answer(request, response, key, url).catch((error: unknown) => refuse(request, response, error));
  });
  server.on('connection', (socket: Socket) => down === 'refusing' && socket.destroy());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bucket,
    region: 'us-east-1',
    credentials,
    objects,
    requests,
    setDown(how) {
      down = how;
      if (how === 'refusing') server.closeAllConnections();
    },
    forget: (key) => void objects.delete(key),
    onRequest: (listener) => void listeners.push(listener),
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function refuseModernWays(request: IncomingMessage): void {
  const hash = String(request.headers['x-amz-content-sha256'] ?? '');
  if (hash.startsWith('STREAMING-') || request.headers['x-amz-trailer'] !== undefined)
    throw new S3Error(501, 'NotImplemented', `x-amz-content-sha256: ${hash} is not supported`);
  if (String(request.headers['content-encoding'] ?? '').includes('aws-chunked'))
    throw new S3Error(501, 'NotImplemented', 'aws-chunked is not supported');
  if (request.method !== 'GET' && conditionalHeaders.some((name) => request.headers[name] !== undefined))
    throw new S3Error(501, 'NotImplemented', 'conditional requests are not supported');
  if (request.headers.expect !== undefined) throw new S3Error(417, 'ExpectationFailed');
  if (request.method === 'PUT' && request.headers['content-length'] === undefined)
    throw new S3Error(411, 'MissingContentLength');
}

async function put(
  request: IncomingMessage,
  response: ServerResponse,
  key: string,
  objects: Map<string, S3Object>,
): Promise<void> {
  const declared = String(request.headers['x-amz-content-sha256'] ?? 'UNSIGNED-PAYLOAD');
  const received = await readAll(request);
  const body = declared.startsWith('STREAMING-') ? decodeAwsChunked(received) : received;
  if (/^[0-9a-f]{64}$/.test(declared) && createHash('sha256').update(body).digest('hex') !== declared)
    throw new S3Error(400, 'XAmzContentSHA256Mismatch');
  if (request.headers['if-none-match'] === '*' && objects.has(key)) throw new S3Error(412, 'PreconditionFailed');
  const etag = `"${createHash('md5').update(body).digest('hex')}"`;
  objects.set(key, { body, contentType: request.headers['content-type'] ?? 'application/octet-stream', etag });
  response.writeHead(200, { etag }).end();
}

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bodyMaxBytes) throw new S3Error(400, 'EntityTooLarge');
    chunks.push(chunk);
  }
  const announced = request.headers['content-length'];
  if (announced !== undefined && Number(announced) !== bytes) throw new S3Error(400, 'IncompleteBody');
  return Buffer.concat(chunks);
}

function refuse(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  const { status, code, message } = error instanceof S3Error ? error : new S3Error(500, 'InternalError', String(error));
  request.resume();
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message></Error>`;
  response.writeHead(status, { 'content-type': 'application/xml' });
  response.end(request.method === 'HEAD' ? undefined : body);
}
