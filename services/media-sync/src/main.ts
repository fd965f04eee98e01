import { createRequestSigner } from '@sgp/auth/http-signature';
import { type NodeIdentity, readNodeIdentity, readNodeKey } from '@sgp/auth/node-identity';
import { connectBus } from '@sgp/service-kit/bus';
import { listen } from '@sgp/service-kit/http-server';
import { runService } from '@sgp/service-kit/run-service';
import { openMediaApp } from './app.ts';
import { type Config, readMediaConfig } from './config.ts';
import { openMediaDatabase } from './db.ts';
import { openMirrorStore } from './storage/mirror-store.ts';
import type { ObjectStore } from './storage/object-store.ts';

await runService('media-sync', async (stack, log) => {
  const config = readMediaConfig(process.env);
  const { brokerUrl, mqttPassword, mediaDir } = config;
  const identity = readNodeIdentity(config.nodeDir);
  const db = await openMediaDatabase(stack, config.dbUrl);
  const store = await openStore(stack, config, identity);
  const bus = stack.use(
    connectBus({ url: brokerUrl, service: 'media-sync', password: mqttPassword, est: identity.est, log }),
  );
  const { est, timeZone } = identity;
  const app = openMediaApp(stack, {
    db,
    bus,
    store,
    tenant: identity,
    est,
    timeZone,
    mediaDir,
    brokerUrl,
    mqttPassword,
    log,
  });
  const server = stack.use(await listen(app, config));
  log.info({ url: server.url, store: store.kind }, 'media-sync is ready');
});

async function openStore(stack: AsyncDisposableStack, config: Config, identity: NodeIdentity): Promise<ObjectStore> {
  if (config.s3) {
    // Amazon's client takes 35 MB and a third of a second, which a shop without a bucket need not pay.
    const { openS3Store } = await import('./storage/s3-store.ts');
    return stack.use(openS3Store(config.s3));
  }
  const mirrorUrl = config.mirrorUrl ?? identity.mirrorUrl;
  const signer = createRequestSigner({
    shortId: identity.shortId,
    apiKey: identity.apiKey,
    keyId: identity.keyId,
    privateJwk: readNodeKey(config.nodeDir),
    authority: config.mirrorAuthority ?? new URL(mirrorUrl).host,
    tag: 'media-push/1',
  });
  return openMirrorStore({ signer, mirrorUrl });
}
