import { mkdtemp, rm } from 'node:fs/promises';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { PrivateSigningKey } from '@sgp/auth/document';
import type { Database } from '@sgp/service-kit/database';
import { type HttpServer, listen } from '@sgp/service-kit/http-server';
import { newId } from '@sgp/service-kit/ids';
import { createLog } from '@sgp/service-kit/log';
import { createMetrics, type Metrics } from '@sgp/service-kit/metrics';
import { createEventHub } from '@sgp/service-kit/sse';
import type { ErrorCode } from '@sgp/shared/errors';
import { type PushAck, type PushBatch, pushAckSchema } from '@sgp/shared/sync';
import { type Alerts, openAlerts } from '../../src/alerts/open-alerts.ts';
import { createMirrorApp } from '../../src/app.ts';
import { openBundleSpool } from '../../src/bundle/bundle-spool.ts';
import { createTokenStore } from '../../src/company/token-store.ts';
import { createDigestStore, type DigestStore } from '../../src/compare/digest-store.ts';
import { createReceiptStore } from '../../src/compare/receipt-store.ts';
import { openMirrorDatabase } from '../../src/db.ts';
import { createBell } from '../../src/downlink/bell.ts';
import { type DownWriter, openDownWriter } from '../../src/downlink/down-writer.ts';
import { createDownlinkStore, type DownlinkStore } from '../../src/downlink/downlink-store.ts';
import { createInstanceStore } from '../../src/ingest/instance-store.ts';
import { createNonceStore } from '../../src/ingest/nonce-store.ts';
import { createPushStore } from '../../src/ingest/push-store.ts';
import { startCoreSigner } from '../../src/keys/core-signer.ts';
import { openSyncKey } from '../../src/keys/sync-key.ts';
import { createMediaFiles } from '../../src/media/media-files.ts';
import { createOwnMediaUrls, type MediaUrls } from '../../src/media/media-urls.ts';
import { createLicenseClient } from '../../src/nodes/license-client.ts';
import { openNodeCache } from '../../src/nodes/node-cache.ts';
import { createNodeStore } from '../../src/nodes/node-store.ts';
import { followOrderNews } from '../../src/orders/follow-order-news.ts';
import { createOrderStore } from '../../src/orders/order-store.ts';
import { openWebApp } from '../../src/page/web-app.ts';
import { type CoreClock, createCoreClock } from '../../src/shared/core-clock.ts';
import { everythingFor } from '../../src/shared/everything.ts';
import { createNoteOverwritten } from '../../src/shared/note-overwritten.ts';
import { createOnAppended } from '../../src/shared/on-appended.ts';
import { createFactorLimitStore } from '../../src/tracking/factor-limit-store.ts';
import { createLinkStreams } from '../../src/tracking/link-streams.ts';
import { createTrailStore } from '../../src/trail/trail-store.ts';
import { type DatabaseMaker, freshSqlite } from './databases.ts';
import { createEdge, type Edge, encode, newIdempotencyKey, type SignedCall } from './edge.ts';
import { type LicenseServer, startLicenseServer } from './license-server.ts';

/** The mirror, whole, over real HTTP and a real database, with a clock that a test can move. */
export type Mirror = AsyncDisposable & {
  readonly url: string;
  readonly db: Database;
  readonly metrics: Metrics;
  readonly mediaDir: string;
  readonly digests: DigestStore;
  readonly down: DownWriter;
  readonly downlink: DownlinkStore;
  readonly coreClock: CoreClock;
  /** Nothing runs by itself: a test watches and delivers when it wants. */
  readonly alerts: Alerts;
  readonly syncKey: PrivateSigningKey;
  /** Resolves once the license service listed the sync key. */
  readonly listed: () => Promise<void>;
  /** Milliseconds added to the wall clock. */
  readonly clock: { offsetMs: number };
};

export const testOperatorToken = 'operator-token-of-this-test-0123456789';
export const testAuthority = 'mirror.test:7001';
export const pushPath = '/internal/sync/pedidos';

export type AlertOptions = Partial<Pick<Parameters<typeof openAlerts>[0], 'mail' | 'targets'>>;

export async function startMirror(options: {
  readonly dir: string;
  readonly dbUrl: string;
  readonly license: LicenseServer;
  readonly webDir?: string;
  readonly mediaUrls?: MediaUrls;
  readonly alerts?: AlertOptions;
}): Promise<Mirror> {
  const stack = new AsyncDisposableStack();
  const clock = { offsetMs: 0 };
  const now = (): number => Date.now() + clock.offsetMs;
  const log = createLog('vps-mirror-test', 'silent');
  const metrics = createMetrics('vps-mirror-test');
  const db = await openMirrorDatabase(options.dbUrl);
  stack.defer(() => db.destroy());
  const orders = createOrderStore(db);
  const streams = stack.use(createLinkStreams(createEventHub(), now));
  const news = stack.use(await followOrderNews({ db, orders, streams, log }));
  const { url: licenseUrl, serviceToken } = options.license;
  const license = createLicenseClient({ url: licenseUrl, serviceToken });
  const ownUrls = createOwnMediaUrls({ secret: 'media-secret-of-this-test', now });
  const mediaDir = join(options.dir, 'media');
  const bell = stack.use(createBell());
  const down = stack.use(await openDownWriter({ db, bell, log, now }));
  const clockOfCore = createCoreClock(newId(), now);
  const onAppended = createOnAppended({ down, everything: everythingFor, clock: clockOfCore, log, now });
  const noteOverwritten = createNoteOverwritten({ down, everything: everythingFor, clock: clockOfCore, now });
  const downlink = createDownlinkStore({ db, everything: everythingFor });
  const digests = createDigestStore(db);
  const key = await openSyncKey(join(options.dir, 'sync-key'), now());
  const signer = stack.use(startCoreSigner({ key, license, log, now, retryMinMs: 1 }));
  const keyDir = join(options.dir, 'sync-key');
  const to = { mail: null, targets: 'any' as const, ...options.alerts };
  const alerts = stack.use(await openAlerts({ db, metrics, keyDir, ...to, log, now }));
  const app = createMirrorApp({
    alerts,
    db,
    nodes: stack.use(await openNodeCache({ store: createNodeStore(db), license, log, now })),
    nonces: createNonceStore(db),
    pushes: createPushStore({ db, now, announce: news.announce, onAppended, noteOverwritten }),
    instances: createInstanceStore(db),
    downlink,
    bell,
    down,
    clock: clockOfCore,
    tokens: createTokenStore(db),
    digests,
    receipts: createReceiptStore(db),
    trail: createTrailStore(db),
    signer,
    operatorToken: testOperatorToken,
    orders,
    streams,
    factorLimit: createFactorLimitStore(db),
    bundleSpool: await openBundleSpool(join(mediaDir, '.bundles')),
    files: createMediaFiles(mediaDir),
    ownUrls,
    mediaUrls: options.mediaUrls ?? ownUrls,
    web: openWebApp({ dir: options.webDir, mediaOrigin: options.mediaUrls?.origin ?? null }),
    authority: testAuthority,
    trustedProxyHops: 0,
    metrics,
    log,
    now,
  });
  const server: HttpServer = stack.use(await listen(app, { host: '127.0.0.1', port: 0 }));
  return {
    ...{
      url: server.url,
      db,
      metrics,
      mediaDir,
      digests,
      down,
      downlink,
      alerts,
      coreClock: clockOfCore,
      syncKey: key,
      clock,
    },
    async listed() {
      while (!signer.isListed) await setImmediate();
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** A mirror, a license service and one enrolled edge in a folder of their own. */
export type Bench = AsyncDisposable & {
  readonly dir: string;
  readonly dbUrl: string;
  readonly license: LicenseServer;
  readonly mirror: Mirror;
  readonly edge: Edge;
  enrol(edge: Edge): Edge;
};

export async function openBench(
  makeDatabase: DatabaseMaker = freshSqlite,
  options: { readonly webDir?: string; readonly mediaUrls?: MediaUrls; readonly alerts?: AlertOptions } = {},
): Promise<Bench> {
  const stack = new AsyncDisposableStack();
  const dir = await mkdtemp(join(tmpdir(), 'sgp-mirror-'));
  stack.defer(() => rm(dir, { recursive: true, force: true }));
  const { url: dbUrl } = stack.use(await makeDatabase(dir));
  const license = stack.use(await startLicenseServer());
  const enrol = (edge: Edge): Edge => {
    license.records.set(edge.record.shortId, edge.record);
    return edge;
  };
  const edge = enrol(createEdge());
  const mirror = stack.use(await startMirror({ dir, dbUrl, license, ...options }));
  return { dir, dbUrl, license, mirror, edge, enrol, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

export type Answer = {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
  readonly code: ErrorCode | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into any answer
  readonly json: any;
};

/** Sends exactly these headers and bytes: a list of pairs may repeat a name, which fetch would merge. */
export function send(
  url: string,
  method: string,
  headers: Readonly<Record<string, string>> | readonly string[],
  body: Uint8Array = Buffer.alloc(0),
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const given = Array.isArray(headers) ? headers : Object.entries(headers as Record<string, string>).flat();
    const target = new URL(url);
    const list = ['host', target.host, ...(body.length > 0 ? ['content-length', String(body.length)] : []), ...given];
    const request = httpRequest(target, { method, headers: list as never, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        text += part;
      });
      response.on('error', reject);
      response.on('end', () => {
        const isJson = response.headers['content-type']?.includes('json') ?? false;
        const json = isJson && text !== '' ? JSON.parse(text) : undefined;
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json, code: json?.code });
      });
    });
    request.on('error', reject);
    request.end(body);
  });
}

export type PushOptions = Partial<SignedCall> & {
  /** Last word over the signed headers, for attacks. */
  readonly tamper?: (headers: Record<string, string>) => Record<string, string> | readonly string[];
  readonly url?: string;
};

/** Signs and pushes bytes (or a batch), right in every way unless the options say otherwise. */
export async function push(
  bench: Pick<Bench, 'mirror' | 'edge'>,
  content: PushBatch | Uint8Array,
  options: PushOptions = {},
): Promise<Answer> {
  const { path = pushPath } = options;
  const { tamper = (headers) => headers, url = bench.mirror.url + path, ...call } = options;
  const body = content instanceof Uint8Array ? content : encode(content);
  const idempotencyKey = options.idempotencyKey ?? newIdempotencyKey();
  const headers = await bench.edge.sign({ authority: testAuthority, path, body, ...call, idempotencyKey });
  return send(url, 'POST', tamper(headers), body);
}

/** Signs and sends any other call of the sync protocol. */
export const call = (bench: Pick<Bench, 'mirror' | 'edge'>, path: string, body: object, options: PushOptions = {}) =>
  push(bench, encode(body), { ...options, path });

export const ackOf = (answer: Answer): PushAck => pushAckSchema.parse(answer.json);

export async function metric(metrics: Metrics, name: string, labels: Record<string, string> = {}): Promise<number> {
  const found = await metrics.registry.getSingleMetric(name)?.get();
  const match = found?.values.filter((each) =>
    Object.entries(labels).every(([label, value]) => (each.labels as Record<string, unknown>)[label] === value),
  );
  return (match ?? []).reduce((sum, each) => sum + each.value, 0);
}
