import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { promisify } from 'node:util';
import { gzip, gzipSync } from 'node:zlib';
import type { RequestSigner } from '@sgp/auth/http-signature';
import { isErrorCode, type Problem } from '@sgp/shared/errors';
import { pushAckSchema, pushPathByStream } from '@sgp/shared/sync';
import type { LinkPort, Push, PushOutcome } from '@sgp/sync-engine/ports';
import { encodePush, idempotencyKey, type Tenant } from '@sgp/sync-engine/wire';

/** Below it, compression saves no packet. */
const gzipMinBytes = 1024;
/** Above it, compression leaves the main thread: it would hold up a doorbell. */
const gzipAsideMinBytes = 64 * 1024;
/** An acknowledgement of the largest batch is below 100 KB. */
const answerMaxBytes = 1024 * 1024;

type Answer = { readonly status: number; readonly headers: IncomingMessage['headers']; readonly body: Buffer };
type Body = { readonly bytes: Uint8Array; readonly contentEncoding?: 'gzip' };

export type MirrorLinkDeps = {
  /** Where to connect. */
  readonly url: URL;
  readonly tenant: Tenant;
  readonly signer: RequestSigner;
  readonly now: () => number;
  /** From the first byte sent to the last received. */
  readonly timeoutMs: number;
};

/** Signed pushes to the mirror over one kept connection. Disposing ends the connection and what runs on it. */
export function createMirrorLink(deps: MirrorLinkDeps): LinkPort & Disposable {
  const secure = deps.url.protocol === 'https:';
  const agent = secure ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true });
  const open = secure ? httpsRequest : httpRequest;
  // A resend must be the same bytes: the Core compares them under the idempotency key.
  let last: { readonly key: string; readonly body: Body } | null = null;

  const bodyOf = async (key: string, push: Push): Promise<Body> => {
    if (last?.key === key) return last.body;
    const body = await compress(Buffer.from(encodePush(deps.tenant, push)));
    last = { key, body };
    return body;
  };

  const send = async (push: Push, mayRepeat: boolean): Promise<PushOutcome> => {
    const path = pushPathByStream[push.stream];
    const key = idempotencyKey(push);
    const { bytes, contentEncoding } = await bodyOf(key, push);
    const headers = await deps.signer.sign({
      method: 'POST',
      path,
      contentType: 'application/json',
      ...(contentEncoding && { contentEncoding }),
      body: bytes,
      idempotencyKey: key,
      nowMs: deps.now() + push.signOffsetMs,
    });
    const request = open(new URL(path, deps.url), {
      method: 'POST',
      agent,
      // The request id leads from this log to the mirror's.
      headers: { ...headers, 'x-request-id': key, 'content-length': bytes.length },
    });
    const sending = watchSocket(request);
    try {
      const answer = await exchange(request, bytes, deps.timeoutMs);
      return answer === 'timeout' ? { type: 'timeout' } : readAnswer(answer, bytes.length);
    } catch (error) {
      // The mirror may close an idle connection in the moment in which we use it; that says nothing about the link.
      if (mayRepeat && request.reusedSocket) return send(push, false);
      return { type: 'network-failed', mayHaveArrived: sending.connected, detail: (error as Error).message };
    }
  };

  return {
    push: (push) => send(push, true),
    [Symbol.dispose]: () => agent.destroy(),
  };
}

async function compress(text: Buffer): Promise<Body> {
  if (text.length < gzipMinBytes) return { bytes: text };
  const bytes = text.length < gzipAsideMinBytes ? gzipSync(text) : await promisify(gzip)(text);
  return { bytes, contentEncoding: 'gzip' };
}

/** Tells whether anything can have reached the Core. */
function watchSocket(request: ClientRequest): { readonly connected: boolean } {
  const state = { connected: false };
  request.on('socket', (socket) => {
    if (!socket.connecting) state.connected = true;
    else socket.once('connect', () => (state.connected = true));
  });
  return state;
}

/** One deadline for all of it: a half-open connection answers nothing and fails nothing. */
async function exchange(request: ClientRequest, body: Uint8Array, timeoutMs: number): Promise<Answer | 'timeout'> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer | 'timeout'>();
  const deadline = setTimeout(() => {
    resolve('timeout');
    request.destroy();
  }, timeoutMs);
  request.on('error', reject);
  request.on('response', (response) => readBody(response).then(resolve, reject));
  request.end(body);
  try {
    return await promise;
  } finally {
    clearTimeout(deadline);
  }
}

async function readBody(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    size += chunk.length;
    if (size > answerMaxBytes) throw new Error('the answer is too long to be an acknowledgement');
    chunks.push(chunk);
  }
  return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) };
}

/** Only what is certainly the mirror's word is taken as such: a hotel's sign-in page also answers 200. */
function readAnswer({ status, headers, body }: Answer, bytes: number): PushOutcome {
  const json = parseJson(body);
  if (status === 200) {
    const ack = pushAckSchema.safeParse(json);
    if (ack.success) return { type: 'acked', ack: ack.data, bytes };
  }
  const problem = json as Partial<Problem> | null;
  if (status >= 400 && isErrorCode(problem?.code)) {
    const { serverTimeMs, lastPushSeq } = problem.details ?? {};
    const retryAfterS = Number(headers['retry-after']);
    return {
      type: 'refused',
      code: problem.code,
      detail: problem.detail ?? problem.code,
      ...(retryAfterS > 0 && { retryAfterMs: retryAfterS * 1000 }),
      ...(typeof serverTimeMs === 'number' && { serverTimeMs }),
      ...(typeof lastPushSeq === 'number' && { lastPushSeq }),
    };
  }
  return { type: 'network-failed', mayHaveArrived: true, detail: `the answer (${status}) is not the mirror's` };
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return null;
  }
}
