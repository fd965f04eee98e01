import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import type { NodeRecord, SigningKey } from '@sgp/shared/api/licensing';

/** The addresses of the license service that the mirror asks, over real HTTP, with the records that a test sets. */
export type LicenseServer = AsyncDisposable & {
  readonly url: string;
  readonly serviceToken: string;
  readonly records: Map<string, NodeRecord>;
  /** Requests that arrived, by short id. */
  readonly asked: string[];
  /** True: every request is answered 503. */
  down: boolean;
};

export async function startLicenseServer(): Promise<LicenseServer> {
  const records = new Map<string, NodeRecord>();
  const asked: string[] = [];
  const serviceToken = 'service-token-of-this-test';
  const server = createServer((request, response) => {
    if (request.method === 'PUT' && request.url === '/v1/keys/sync') {
      response.statusCode = license.down ? 503 : 200;
      response.setHeader('content-type', 'application/json');
      void json(request).then((key) =>
        response.end(JSON.stringify({ kid: (key as SigningKey).kid, keysetVersion: 2 })),
      );
      return;
    }
    const shortId = request.url?.match(/^\/v1\/nodes\/([a-z0-9]{12})$/)?.[1] ?? '';
    asked.push(shortId);
    const record = records.get(shortId);
    const allowed = request.headers.authorization === `Bearer ${serviceToken}`;
    response.statusCode = license.down ? 503 : !allowed ? 401 : record ? 200 : 404;
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(response.statusCode === 200 ? record : {}));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const license: LicenseServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    serviceToken,
    records,
    asked,
    down: false,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return license;
}
