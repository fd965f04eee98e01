import type { RequestSigner } from '@sgp/auth/http-signature';
import { newId } from '@sgp/service-kit/ids';
import { checkinSchema } from '@sgp/shared/api/licensing';
import { AppError, isErrorCode, type Problem } from '@sgp/shared/errors';
import type { LicenceDocuments } from './licence-files.ts';

/**
 * Asks the license service for this node's documents. They are as they came: the caller verifies them.
 * @throws AppError UNAVAILABLE when no license service answered, or the code with which it refused
 */
export type CheckIn = (stop: AbortSignal) => Promise<LicenceDocuments>;

export type CheckInDeps = {
  readonly url: URL;
  /** Signs with the tag `checkin/1`. */
  readonly signer: RequestSigner;
  readonly now: () => number;
  /** From the first byte sent to the last received. */
  readonly timeoutMs: number;
};

const path = '/v1/checkin';
/** A check-in carries nothing yet. */
const body = Buffer.from('{}');
/** A licence and a keyset are about 2 KB. */
const answerMaxBytes = 64 * 1024;

type Answer = { readonly ok: boolean; readonly status: number; readonly content: unknown };

/** Signed check-ins (SECURITY 3.1). No redirect is followed: the API key goes to the address that was told, or nowhere. */
export function createCheckIn(deps: CheckInDeps): CheckIn {
  const send = async (idempotencyKey: string, nowMs: number, stop: AbortSignal): Promise<Answer> => {
    const signed = { method: 'POST', path, contentType: 'application/json', body, idempotencyKey, nowMs };
    const headers = await deps.signer.sign(signed);
    try {
      const response = await fetch(new URL(path, deps.url), {
        method: 'POST',
        headers,
        body,
        redirect: 'error',
        signal: AbortSignal.any([stop, AbortSignal.timeout(deps.timeoutMs)]),
      });
      return { ok: response.ok, status: response.status, content: parseJson(await readText(response)) };
    } catch (error) {
      const reason = (error as { cause?: NodeJS.ErrnoException }).cause?.code ?? (error as Error).name;
      throw new AppError('UNAVAILABLE', `The license service at ${deps.url.origin} is not reachable (${reason}).`, {
        cause: error,
      });
    }
  };

  return async (stop) => {
    const idempotencyKey = newId();
    let answer = await send(idempotencyKey, deps.now(), stop);
    // A PC whose clock is wrong learns the service's time from the refusal and signs once more.
    const serverTimeMs = serverTimeOf(answer);
    if (serverTimeMs !== null) answer = await send(idempotencyKey, serverTimeMs, stop);
    return readDocuments(answer, deps.url);
  };
}

/** The time that the service told because ours is too far off; `null` for any other answer. */
function serverTimeOf({ ok, content }: Answer): number | null {
  const problem = content as Partial<Problem> | null;
  const told = problem?.code === 'SIG_CLOCK_SKEW' ? problem.details?.['serverTimeMs'] : undefined;
  return !ok && typeof told === 'number' ? told : null;
}

function readDocuments({ ok, status, content }: Answer, url: URL): LicenceDocuments {
  const documents = checkinSchema.safeParse(content);
  if (ok && documents.success) return documents.data;
  const problem = content as Partial<Problem> | null;
  if (!ok && isErrorCode(problem?.code)) throw new AppError(problem.code, String(problem.detail ?? problem.code));
  throw new AppError('UNAVAILABLE', `The answer of ${url.origin} (${status}) is not that of a license service.`);
}

async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > answerMaxBytes) throw new Error('the answer is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
