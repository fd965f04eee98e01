import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type MediaPublished, mediaPublishedSchema } from '@sgp/shared/floor-messages';
import { serviceUsername, topics } from '@sgp/shared/topics';
import { uuidV7 } from '@sgp/shared/uuid';
import { Aedes, type AedesPublishPacket } from 'aedes';

/** What a shop has around media-sync: a broker, a media folder, and production-api's part of the conversation. */
export type Shop = AsyncDisposable & {
  readonly dir: string;
  readonly mediaDir: string;
  readonly est: string;
  readonly brokerUrl: string;
  readonly tenant: { readonly companyId: string; readonly establishmentId: string };
  /** All that was announced so far, in order. */
  readonly announced: readonly MediaPublished[];
  /** Puts an original on the disk and announces it, as production-api does. */
  upload(bytes: Buffer): Promise<string>;
  announceUpload(mediaId: string, sizeBytes: number): Promise<void>;
  /** Removes the files of a photo and announces it, as production-api does. */
  remove(mediaId: string): Promise<void>;
  /** Waits until `found` is true of what was announced. */
  until(found: (announced: readonly MediaPublished[]) => boolean): Promise<void>;
  /** Resolves when media-sync's session stands: what is announced from then on is kept for it. */
  readonly heard: Promise<void>;
  publishRetained(topic: string, message: unknown): Promise<void>;
};

export const newId = (): string => uuidV7(Date.now(), randomBytes(10));
export const est = 'oficina';

export async function openShop(): Promise<Shop> {
  const stack = new AsyncDisposableStack();
  const dir = await mkdtemp(join(tmpdir(), 'sgp-media-'));
  stack.defer(() => rm(dir, { recursive: true, force: true, maxRetries: 5 }));
  const mediaDir = join(dir, 'media');
  await mkdir(join(mediaDir, 'originals'), { recursive: true });
  await mkdir(join(mediaDir, 'derived'));

  const broker = await Aedes.createBroker();
  const server = createServer(broker.handle);
  stack.defer(async () => {
    await new Promise<void>((done) => broker.close(done));
    server.close();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  const heard = Promise.withResolvers<void>();
  broker.on('subscribe', (_subscriptions, client) => {
    if (client.id === `${serviceUsername('media-sync')}:uploads`) heard.resolve();
  });
  const announced: MediaPublished[] = [];
  const waiting = new Set<() => void>();
  broker.subscribe(
    topics.mediaPublished(est),
    (packet: AedesPublishPacket, done: () => void) => {
      announced.push(mediaPublishedSchema.parse(JSON.parse(packet.payload.toString())));
      done();
      for (const look of waiting) look();
    },
    () => undefined,
  );
  const publish = (topic: string, message: unknown, retain: boolean): Promise<void> =>
    new Promise((resolve, reject) => {
      const payload = Buffer.from(JSON.stringify(message));
      broker.publish({ cmd: 'publish', topic, payload, qos: 1, retain, dup: false }, (error) =>
        error ? reject(error) : resolve(),
      );
    });
  const announceUpload = (mediaId: string, sizeBytes: number): Promise<void> =>
    publish(topics.mediaUploaded(est), { mediaId, orderId: newId(), file: mediaId, sizeBytes }, false);

  return {
    dir,
    mediaDir,
    est,
    brokerUrl: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`,
    tenant: { companyId: newId(), establishmentId: newId() },
    announced,
    async upload(bytes) {
      const mediaId = newId();
      await writeFile(join(mediaDir, 'originals', mediaId), bytes);
      await announceUpload(mediaId, Math.max(1, bytes.length));
      return mediaId;
    },
    announceUpload,
    async remove(mediaId) {
      await rm(join(mediaDir, 'originals', mediaId), { force: true });
      await rm(join(mediaDir, 'derived', mediaId), { force: true, recursive: true });
      await publish(topics.mediaDeleted(est), { mediaId, orderId: newId() }, false);
    },
    heard: heard.promise,
    until: (found) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!found(announced)) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    publishRetained: (topic, message) => publish(topic, message, true),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** Outcomes that were announced of one photo, in order. */
export const outcomesOf = (shop: Shop, mediaId: string): string[] =>
  shop.announced.filter((message) => message.mediaId === mediaId).map(({ outcome }) => outcome);
