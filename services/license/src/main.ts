import { listen } from '@sgp/service-kit/http-server';
import { createMetrics } from '@sgp/service-kit/metrics';
import { runService } from '@sgp/service-kit/run-service';
import { createLicenseApp } from './app.ts';
import { loadConfig } from './config.ts';
import { openLicenseDatabase } from './db.ts';
import { openKeyring } from './keys/keyring.ts';
import { createLicenceStore } from './licences/licence-store.ts';
import { licenseLimits } from './license-limits.ts';
import { createNonceStore } from './nodes/nonce-store.ts';

await runService('license', async (stack, log) => {
  const config = loadConfig(process.env);
  const db = await openLicenseDatabase(config.dbUrl);
  stack.defer(() => db.destroy());
  const licences = createLicenceStore(db);
  const nonces = createNonceStore(db);
  const keyring = await openKeyring(config.keysDir, { mayCreate: !(await licences.any()), nowMs: Date.now() });
  await keyring.keyset(Date.now());
  const app = createLicenseApp({
    db,
    keyring,
    licences,
    nonces,
    adminToken: config.adminToken,
    serviceToken: config.serviceToken,
    mirrorUrl: config.mirrorUrl,
    authority: config.authority ?? `${config.host}:${config.port}`,
    log,
    metrics: createMetrics('license'),
    now: Date.now,
  });
  const purge = setInterval(() => {
    nonces.purge(Date.now()).catch((err) => log.warn({ err }, 'old nonces could not be deleted; tried again later'));
  }, licenseLimits.noncePurgeIntervalMs);
  stack.defer(() => clearInterval(purge));
  const server = stack.use(await listen(app, config));
  log.info({ url: server.url, kid: keyring.licenceKey.kid }, 'listening');
});
