import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { zstdCompressSync } from 'node:zlib';
import { isErrorCode, type Problem } from '@sgp/shared/errors';
import type { Refusal } from '@sgp/sync-engine/ports';

/** HTTP towards the Core over kept connections, every ending told apart. */

export type Body = { readonly bytes: Uint8Array; readonly contentEncoding?: 'zstd' };
export type Answer = { readonly status: number; readonly headers: IncomingMessage['headers']; readonly body: Buffer };
export type Ending =
  | ({ readonly type: 'answer' } & Answer)
  | { readonly type: 'timeout' }
  /** `mayHaveArrived`: a connection was there, so that the request may have gone through. */
  | { readonly type: 'broken'; readonly mayHaveArrived: boolean; readonly detail: string };

export type Call = {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  readonly answerMaxBytes: number;
  /** From the first byte sent to the last received: a half-open connection answers nothing and fails nothing. */
  readonly timeoutMs: number;
};

export type CoreHttp = Disposable & {
  /** Never rejects. */
  post(call: Call): Promise<Ending>;
  /** Ends every connection, and what runs on them. */
  reset(): void;
};

/** Below it, compression saves no packet. */
const compressMinBytes = 1024;
/** A connection that takes longer to be made is to a host that is not there. */
const connectTimeoutMs = 5_000;
/** The system then asks a silent connection whether it is still there. */
const keepAliveProbeMs = 10_000;

export function createCoreHttp(url: URL): CoreHttp {
  const secure = url.protocol === 'https:';
  const options = { keepAlive: true, keepAliveMsecs: keepAliveProbeMs };
  const newAgent = () => (secure ? new HttpsAgent(options) : new HttpAgent(options));
  const open = secure ? httpsRequest : httpRequest;
  let agent = newAgent();

  const post = async (call: Call, mayRepeat: boolean): Promise<Ending> => {
    const { path, headers, body } = call;
    const request = open(new URL(path, url), {
      method: 'POST',
      agent,
      headers: { ...headers, 'content-length': body.length },
    });
    const sending = watchSocket(request);
    try {
      return await exchange(request, call);
    } catch (error) {
      // The Core may close an idle connection in the moment in which we use it; that says nothing about the link.
      if (mayRepeat && request.reusedSocket && !sending.wasReset) return post(call, false);
      return { type: 'broken', mayHaveArrived: sending.connected, detail: (error as Error).message };
    } finally {
      sending.done();
    }
  };
  const running = new Set<{ wasReset: boolean }>();

  /** Tells whether anything can have reached the Core. */
  const watchSocket = (request: ClientRequest) => {
    const state = { connected: false, wasReset: false };
    running.add(state);
    const slow = setTimeout(() => request.destroy(new Error('the connection took too long')), connectTimeoutMs);
    const connected = (): void => {
      clearTimeout(slow);
      state.connected = true;
    };
    request.on('socket', (socket) => {
      if (!socket.connecting) connected();
      else socket.once('connect', connected);
    });
    return {
      get connected() {
        return state.connected;
      },
      get wasReset() {
        return state.wasReset;
      },
      done: () => {
        clearTimeout(slow);
        running.delete(state);
      },
    };
  };

  return {
    post: (call) => post(call, true),
    reset() {
      for (const state of running) state.wasReset = true;
      agent.destroy();
      agent = newAgent();
    },
    [Symbol.dispose]: () => agent.destroy(),
  };
}

/** In the main thread: a full batch takes 2 ms, and going aside and back would cost a waiting doorbell as much. */
export function compress(text: Buffer): Body {
  if (text.length < compressMinBytes) return { bytes: text };
  return { bytes: zstdCompressSync(text), contentEncoding: 'zstd' };
}

async function exchange(request: ClientRequest, { body, timeoutMs, answerMaxBytes }: Call): Promise<Ending> {
  const { promise, resolve, reject } = Promise.withResolvers<Ending>();
  const deadline = setTimeout(() => {
    resolve({ type: 'timeout' });
    request.destroy();
  }, timeoutMs);
  request.on('error', reject);
  request.on('response', (response) => readAnswer(response, answerMaxBytes).then(resolve, reject));
  request.end(body);
  try {
    return await promise;
  } finally {
    clearTimeout(deadline);
  }
}

async function readAnswer(response: IncomingMessage, maxBytes: number): Promise<Ending> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    size += chunk.length;
    if (size > maxBytes) throw new Error('the answer is longer than the Core ever writes');
    chunks.push(chunk);
  }
  const { statusCode: status = 0, headers } = response;
  return { type: 'answer', status, headers, body: Buffer.concat(chunks) };
}

/** The refusal that an answer is; null for anything that is not certainly the Core's word. */
export function refusalOf({ status, headers, body }: Answer): Refusal | null {
  const problem = parseJson(body) as Partial<Problem> | null;
  if (status < 400 || !isErrorCode(problem?.code)) return null;
  const { serverTimeMs, lastPushSeq, presentInstance } = problem.details ?? {};
  const retryAfterS = Number(headers['retry-after']);
  return {
    code: problem.code,
    detail: problem.detail ?? problem.code,
    ...(retryAfterS > 0 && { retryAfterMs: retryAfterS * 1000 }),
    ...(typeof serverTimeMs === 'number' && { serverTimeMs }),
    ...(typeof lastPushSeq === 'number' && { lastPushSeq }),
    ...(typeof presentInstance === 'string' && { presentInstance }),
  };
}

export function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return null;
  }
}
