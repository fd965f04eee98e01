import { type Enrolled, type enrolBody, enrolledSchema, type Roots, rootsSchema } from '@sgp/shared/api/licensing';
import type { Problem } from '@sgp/shared/errors';
import { limits } from '@sgp/shared/limits';
import type * as z from 'zod';
import { EnrolRefused } from './enrol-refused.ts';

/** The two calls of an enrolment. Neither follows a redirect: the code goes to the address that was given, or nowhere. */

export const fetchRoots = (licenseUrl: string): Promise<Roots> =>
  call(licenseUrl, '/.well-known/sgp-roots', { method: 'GET' }, rootsSchema);

export const postEnrolment = (licenseUrl: string, body: z.infer<typeof enrolBody>): Promise<Enrolled> =>
  call(
    licenseUrl,
    '/v1/enrol',
    { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) },
    enrolledSchema,
  );

async function call<T>(licenseUrl: string, path: string, init: RequestInit, schema: z.ZodType<T>): Promise<T> {
  const { ok, status, text } = await exchange(licenseUrl, path, init);
  const content = parse(text);
  if (!ok) throw new EnrolRefused(refusalText(status, content as Partial<Problem> | null));
  const answer = schema.safeParse(content);
  if (!answer.success)
    throw new EnrolRefused(`${licenseUrl} answers, but not as a license service of SGP: check the address.`);
  return answer.data;
}

async function exchange(
  licenseUrl: string,
  path: string,
  init: RequestInit,
): Promise<{ readonly ok: boolean; readonly status: number; readonly text: string }> {
  try {
    const response = await fetch(new URL(path, licenseUrl), {
      ...init,
      redirect: 'error',
      signal: AbortSignal.timeout(limits.syncRequestTimeoutMs),
    });
    return { ok: response.ok, status: response.status, text: await response.text() };
  } catch (error) {
    const cause = (error as { readonly cause?: NodeJS.ErrnoException }).cause;
    const reason = cause?.code ?? (error as Error).name;
    throw new EnrolRefused(
      `The license service at ${licenseUrl} is not reachable (${reason}): check the address and the connection, then run the enrolment again.`,
    );
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Each refusal that a person can do something about, with what to do. */
const remedies: Partial<Record<Problem['code'], string>> = {
  ENROL_CODE_INVALID: 'The enrolment code is wrong: check what was typed, or ask for a new one.',
  ENROL_CODE_USED: 'The enrolment code was used already: ask for a new one.',
  ENROL_CODE_EXPIRED: 'The enrolment code expired: ask for a new one.',
  ALREADY_EXISTS: 'Another node has this id or key: delete this node’s folder and enrol again.',
  NODE_BANNED: 'This node is suspended or banned: ask who gave the code.',
  RATE_LIMITED: 'Too many wrong tries from this address: wait an hour and run the enrolment again.',
};

function refusalText(status: number, problem: Partial<Problem> | null): string {
  const known = problem?.code === undefined ? undefined : remedies[problem.code];
  const told = problem?.code ?? `status ${status}`;
  return known ?? `The license service refused the enrolment (${told}): try again, or ask who runs it.`;
}
