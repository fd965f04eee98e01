import { join } from 'node:path';
import { connectBus } from '@sgp/service-kit/bus';
import { listen } from '@sgp/service-kit/http-server';
import { createLog } from '@sgp/service-kit/log';
import { type S3Server, startS3Server } from '../../../../test/support/s3-server.ts';
import { type AppDeps, openMediaApp } from '../../src/app.ts';
import { openMediaDatabase } from '../../src/db.ts';
import { createPhotoStore, type PhotoStore } from '../../src/photos/photo-store.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { openS3Store, type S3Settings } from '../../src/storage/s3-store.ts';
import { est, openShop, type Shop } from './shop.ts';

export const s3SettingsOf = ({ endpoint, region, bucket, credentials }: S3Server): S3Settings => ({
  endpoint,
  region,
  bucket,
  ...credentials,
});

export type RunningApp = AsyncDisposable & {
  readonly shop: Shop;
  readonly s3: S3Server;
  readonly photos: PhotoStore;
  readonly url: string;
};

/** The service in this process, with a real broker, a real bucket server and a real database file around it. */
export async function openRunningApp(
  options: Partial<Pick<AppDeps, 'derivePhoto' | 'deriveIsolated' | 'gate' | 'auditIntervalMs'>> & {
    readonly s3?: S3Server;
    /** Another face of the bucket, for example one that refuses a kind of request. */
    readonly faceOf?: (bucket: ObjectStore) => ObjectStore;
  } = {},
): Promise<RunningApp> {
  const stack = new AsyncDisposableStack();
  const shop = stack.use(await openShop());
  const s3 = options.s3 ?? stack.use(await startS3Server());
  const log = createLog('media-sync', process.env['TEST_LOG_LEVEL'] ?? 'silent');
  const db = await openMediaDatabase(stack, `sqlite:${join(shop.dir, 'media.db')}`);
  const { brokerUrl, mediaDir, tenant } = shop;
  const bus = stack.use(connectBus({ url: brokerUrl, service: 'media-sync', password: 'secret', est, log }));
  const bucket = stack.use(openS3Store(s3SettingsOf(s3)));
  const app = openMediaApp(stack, {
    db,
    bus,
    store: options.faceOf?.(bucket) ?? bucket,
    tenant,
    est,
    timeZone: 'America/Sao_Paulo',
    mediaDir,
    brokerUrl,
    mqttPassword: 'secret',
    log,
    ...options,
  });
  const server = stack.use(await listen(app, { host: '127.0.0.1', port: 0 }));
  await shop.heard;
  return {
    shop,
    s3,
    photos: createPhotoStore(db),
    url: server.url,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
