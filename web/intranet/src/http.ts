import { ApiError, problemToError } from './api-error.ts';

export type HttpDeps = {
  readonly fetch: typeof fetch;
  /** Called after every answer, with the server's clock when it sent one, and after every failure to get an answer. */
  readonly onAnswer: (serverTime: number | null) => void;
  readonly onSilence: () => void;
  readonly onSessionEnded: () => void;
};

export type Http = {
  readonly get: <T>(path: string, signal?: AbortSignal) => Promise<T>;
  readonly send: <T>(
    method: 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    body?: unknown,
    answerMaxMs?: number,
  ) => Promise<T>;
  readonly sendBytes: <T>(
    method: 'POST' | 'PATCH',
    path: string,
    bytes: Blob,
    headers?: Readonly<Record<string, string>>,
    answerMaxMs?: number,
  ) => Promise<T>;
};

/** An answer that takes longer than this counts as no answer: the button comes back and the draft is still there. */
const ANSWER_MAX_MS = 20_000;
/** For what goes through the whole queue: 100,000 changes take the server half a minute. */
export const LONG_ANSWER_MAX_MS = 180_000;

/**
 * The one place that talks to the local server. Every refusal becomes an {@link ApiError} with its code; silence
 * becomes SERVER_AWAY, so that screens can tell "it said no" from "it did not say anything".
 */
export function createHttp({ fetch, onAnswer, onSilence, onSessionEnded }: HttpDeps): Http {
  async function call<T>(
    path: string,
    init: RequestInit,
    { outer, answerMaxMs = ANSWER_MAX_MS }: { outer?: AbortSignal | undefined; answerMaxMs?: number | undefined },
  ): Promise<T> {
    const timeout = AbortSignal.timeout(answerMaxMs);
    const signal = outer ? AbortSignal.any([outer, timeout]) : timeout;
    let response: Response;
    try {
      response = await fetch(path, { credentials: 'same-origin', cache: 'no-store', ...init, signal });
    } catch (cause) {
      if (outer?.aborted) throw cause;
      onSilence();
      throw new ApiError('SERVER_AWAY', cause instanceof Error ? cause.message : String(cause));
    }
    const date = response.headers.get('date');
    onAnswer(date === null ? null : Date.parse(date));
    const isJson = response.headers.get('content-type')?.includes('json') ?? false;
    const body: unknown = isJson ? await response.json().catch(() => null) : null;
    if (response.ok) return body as T;
    const error = problemToError(response.status, body, response.headers.get('retry-after'));
    if (error.code === 'SESSION_EXPIRED') onSessionEnded();
    throw error;
  }
  return {
    get: (path, signal) => call(path, { headers: { accept: 'application/json' } }, { outer: signal }),
    send(method, path, body, answerMaxMs) {
      const type = body === undefined ? {} : { 'content-type': 'application/json' };
      const init = { method, headers: { accept: 'application/json', ...type } };
      return call(path, body === undefined ? init : { ...init, body: JSON.stringify(body) }, { answerMaxMs });
    },
    sendBytes(method, path, bytes, headers = {}, answerMaxMs) {
      const all = { accept: 'application/json', 'content-type': 'application/octet-stream', ...headers };
      return call(path, { method, headers: all, body: bytes }, { answerMaxMs });
    },
  };
}
