import { newId } from '@sgp/service-kit/ids';
import type { TokenScope } from '@sgp/shared/api/company';
import { type Answer, type Mirror, send, testOperatorToken } from './mirror.ts';

/** A company's program that calls the mirror. */
export type CompanyClient = {
  readonly token: string;
  call(method: string, path: string, body?: object): Promise<Answer>;
  /** Like `call`, and throws unless the answer is this status. */
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into any answer
  get(path: string): Promise<any>;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into any answer
  post(path: string, body: object): Promise<any>;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into any answer
  patch(path: string, body: object): Promise<any>;
};

export function sendJson(mirror: Mirror, token: string, method: string, path: string, body?: object): Promise<Answer> {
  const bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
  const headers = { authorization: `Bearer ${token}`, ...(bytes && { 'content-type': 'application/json' }) };
  return send(mirror.url + path, method, headers, bytes);
}

export const operatorCall = (mirror: Mirror, method: string, path: string, body?: object): Promise<Answer> =>
  sendJson(mirror, testOperatorToken, method, path, body);

export async function openCompany(
  mirror: Mirror,
  companyId: string = newId(),
  scope: TokenScope = 'write',
): Promise<CompanyClient> {
  const made = await operatorCall(mirror, 'POST', `/api/core/companies/${companyId}/tokens`, {
    name: 'Central',
    scope,
  });
  const { token } = made.json;
  const call: CompanyClient['call'] = (method, path, body) => sendJson(mirror, token, method, path, body);
  const well = async (answer: Promise<Answer>) => {
    const { status, json, text } = await answer;
    if (status >= 300) throw new Error(`${status} ${text}`);
    return json;
  };
  return {
    token,
    call,
    get: (path) => well(call('GET', path)),
    post: (path, body) => well(call('POST', path, body)),
    patch: (path, body) => well(call('PATCH', path, body)),
  };
}
