import { openAsBlob } from 'node:fs';
import { replaceFileBy } from '@sgp/auth/durable-file';
import { AppError, isErrorCode, type Problem } from '@sgp/shared/errors';
import { bundlePath } from '@sgp/shared/sync-bundle';

export type Brought =
  | { readonly outcome: 'acknowledged' }
  | { readonly outcome: 'unreachable'; readonly why: string }
  /** Something else than the mirror answered: the sign-in page of a hotel says 200 as well. */
  | { readonly outcome: 'not-the-mirror'; readonly status: number };

/**
 * Brings a file of pushes to the mirror and writes its acknowledgement, which is there whole or not at all. It may be
 * brought as often as one likes.
 * @throws AppError with the mirror's refusal; an error of the file system
 */
export async function bringBundle(mirrorUrl: string, path: string, ackPath: string): Promise<Brought> {
  const body = await openAsBlob(path);
  let answer: Response;
  try {
    const headers = { 'content-type': 'application/octet-stream' };
    answer = await fetch(new URL(bundlePath, mirrorUrl), { method: 'POST', body, headers, redirect: 'manual' });
  } catch (error) {
    return { outcome: 'unreachable', why: reasonOf(error) };
  }
  const notTheMirror = { outcome: 'not-the-mirror', status: answer.status } as const;
  if (!answer.ok) {
    const problem = (await answer.json().catch(() => null)) as Partial<Problem> | null;
    if (!isErrorCode(problem?.code)) return notTheMirror;
    throw new AppError(problem.code, problem.detail ?? '');
  }
  const content = answer.body;
  if (answer.headers.get('content-type') !== 'application/gzip' || content === null) return notTheMirror;
  let broken: unknown = null;
  const chunks = async function* (): AsyncGenerator<Uint8Array, void, void> {
    try {
      yield* content;
    } catch (error) {
      broken = error;
      throw error;
    }
  };
  try {
    await replaceFileBy(ackPath, async (file) => {
      for await (const chunk of chunks()) await file.writeFile(chunk);
    });
  } catch (error) {
    if (broken === null) throw error;
    return { outcome: 'unreachable', why: reasonOf(broken) };
  }
  return { outcome: 'acknowledged' };
}

function reasonOf(error: unknown): string {
  const { cause, message } = error as Error;
  return (cause as NodeJS.ErrnoException | undefined)?.code ?? message;
}
