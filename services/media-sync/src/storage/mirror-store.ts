import { createHash, randomBytes } from 'node:crypto';
import type { RequestSigner } from '@sgp/auth/http-signature';
import { limits } from '@sgp/shared/limits';
import { workLimits } from '../work-limits.ts';
import { faultOf, type ObjectStore, type StoreFault } from './object-store.ts';

export type MirrorStoreDeps = {
  /** Signs with the tag `media-push/1`. */
  readonly signer: RequestSigner;
  /** Where to connect, for example `https://sgp.example`. */
  readonly mirrorUrl: string;
};

type Answer = { readonly response: Response } | { readonly failure: string };

/** The VPS's own store, for shops without a bucket: signed `PUT`, `HEAD` and `DELETE /internal/media/{key}` (SECURITY 3.1). */
export function openMirrorStore(deps: MirrorStoreDeps): ObjectStore {
  /** What must be added to our clock to get the mirror's. */
  let clockOffsetMs = 0;

  const send = async (
    method: 'PUT' | 'HEAD' | 'DELETE',
    key: string,
    contentType: string,
    body: Buffer,
    idempotencyKey: string,
  ): Promise<Answer> => {
    const path = `/internal/media/${key}`;
    const nowMs = Date.now() + clockOffsetMs;
    const headers = await deps.signer.sign({ method, path, contentType, body, idempotencyKey, nowMs });
    try {
      const response = await fetch(new URL(path, deps.mirrorUrl), {
        method,
        headers,
        ...(method === 'PUT' && { body }),
        redirect: 'error',
        signal: AbortSignal.timeout(workLimits.storeRequestMaxMs),
      });
      return { response };
    } catch (error) {
      const { message, cause } = error as Error & { cause?: { code?: string } };
      return { failure: cause?.code ?? message };
    }
  };
  /** A PC whose clock is wrong learns the mirror's time from its refusal and signs once more. */
  const sendWithOurClockRight = async (...call: Parameters<typeof send>): Promise<Answer> => {
    const answer = await send(...call);
    if ('failure' in answer || answer.response.status !== 401) return answer;
    const serverMs = Date.parse(answer.response.headers.get('date') ?? '');
    const skewMs = serverMs - (Date.now() + clockOffsetMs);
    if (!(Math.abs(skewMs) > (limits.signatureSkewMaxS * 1000) / 2)) return answer;
    await answer.response.body?.cancel();
    clockOffsetMs += skewMs;
    return send(...call);
  };

  /** A call that carries no content and can be repeated as often as one likes. */
  const sendBare = (method: 'HEAD' | 'DELETE', key: string): Promise<Answer> =>
    sendWithOurClockRight(
      method,
      key,
      'application/octet-stream',
      Buffer.alloc(0),
      randomBytes(16).toString('base64url'),
    );

  return {
    kind: 'mirror',
    async put({ key, body, contentType }) {
      const answer = await sendWithOurClockRight('PUT', key, contentType, body, contentKey(key, body));
      if ('failure' in answer) return { outcome: 'unavailable', reason: answer.failure };
      const { response } = answer;
      if (response.ok) {
        await response.body?.cancel();
        return { outcome: 'stored' };
      }
      return faultIn(response);
    },
    async head(key) {
      const answer = await sendBare('HEAD', key);
      if ('failure' in answer) return { outcome: 'unavailable', reason: answer.failure };
      const { response } = answer;
      if (response.status === 404) return { outcome: 'known', sizeBytes: null };
      if (!response.ok) return faultOf(response.status, 'on HEAD');
      const length = response.headers.get('content-length');
      return { outcome: 'known', sizeBytes: length === null ? null : Number(length) };
    },
    async remove(key) {
      const answer = await sendBare('DELETE', key);
      if ('failure' in answer) return { outcome: 'unavailable', reason: answer.failure };
      if (!answer.response.ok) return faultIn(answer.response);
      await answer.response.body?.cancel();
      return { outcome: 'removed' };
    },
  };
}

/** The same for every repeat of one upload, another for other bytes. */
const contentKey = (key: string, body: Buffer): string =>
  createHash('sha256').update(key).update('\n').update(body).digest('base64url').slice(0, 32);

async function faultIn(response: Response): Promise<StoreFault> {
  const retryAfterS = Number(response.headers.get('retry-after'));
  return {
    ...faultOf(response.status, await problemCode(response)),
    ...(response.status === 429 && retryAfterS > 0 && { retryAfterMs: retryAfterS * 1000 }),
  };
}

async function problemCode(response: Response): Promise<string> {
  const problem: unknown = await response.json().catch(() => null);
  const code = (problem as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : 'without a code';
}
