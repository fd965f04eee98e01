import type { Problem } from '@sgp/shared/errors';

export type Answer = { readonly status: number; readonly headers: Headers; readonly body: unknown };

/** Talks to the API as a browser does: one cookie, JSON in and out, `Origin` on everything that changes. */
export type Browser = {
  readonly url: string;
  send(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  /** The JSON of an answer that must be a success. */
  ok<Body>(method: string, path: string, body?: unknown): Promise<Body>;
  /** The refusal of an answer that must be one. */
  refused(method: string, path: string, body?: unknown): Promise<Problem>;
  /** Sends raw bytes. */
  bytes(path: string, offset: number, bytes: Uint8Array): Promise<Answer>;
  cookie: string;
};

export function openBrowser(url: string): Browser {
  const read = async (response: Response): Promise<Answer> => {
    const set = response.headers.getSetCookie().find((cookie) => cookie.startsWith('sgp_sid='));
    if (set !== undefined) browser.cookie = set.split(';', 1)[0] ?? '';
    const type = response.headers.get('content-type') ?? '';
    const body = type.includes('json') ? await response.json() : Buffer.from(await response.arrayBuffer());
    return { status: response.status, headers: response.headers, body };
  };
  const browser: Browser = {
    url,
    cookie: '',
    async send(method, path, body, headers = {}) {
      const init: RequestInit = { method, headers: { origin: url, cookie: browser.cookie, ...headers } };
      if (body !== undefined) {
        init.body = JSON.stringify(body);
        init.headers = { 'content-type': 'application/json', ...init.headers };
      }
      return read(await fetch(`${url}${path}`, init));
    },
    async ok<Body>(method: string, path: string, body?: unknown) {
      const answer = await browser.send(method, path, body);
      if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
      return answer.body as Body;
    },
    async refused(method, path, body) {
      const answer = await browser.send(method, path, body);
      if (answer.status < 400) throw new Error(`${method} ${path} was not refused: ${answer.status}`);
      return answer.body as Problem;
    },
    async bytes(path, offset, bytes) {
      const headers = {
        origin: url,
        cookie: browser.cookie,
        'content-type': 'application/octet-stream',
        'upload-offset': String(offset),
      };
      return read(await fetch(`${url}${path}`, { method: 'PATCH', headers, body: Buffer.from(bytes) }));
    },
  };
  return browser;
}
