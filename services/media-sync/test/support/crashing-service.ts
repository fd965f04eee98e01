import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectBus } from '@sgp/service-kit/bus';
import { runService } from '@sgp/service-kit/run-service';
import { limits } from '@sgp/shared/limits';
import { openMediaApp } from '../../src/app.ts';
import { openMediaDatabase } from '../../src/db.ts';
import { createDeriveIsolated } from '../../src/derive/derive-isolated.ts';
import { createDerivePhoto } from '../../src/derive/derive-photo.ts';
import { openMediaFiles } from '../../src/derive/derived-files.ts';
import { createPixelBudget } from '../../src/derive/pixel-budget.ts';
import { openS3Store, type S3Settings } from '../../src/storage/s3-store.ts';
import { est } from './shop.ts';

/** media-sync whose decoder has a fault: a file that begins with KILLS ends the process, inside and outside of isolation. */

export type CrashingOptions = {
  readonly dbUrl: string;
  readonly mediaDir: string;
  readonly brokerUrl: string;
  readonly tenant: { readonly companyId: string; readonly establishmentId: string };
  readonly s3: S3Settings;
};

const { dbUrl, mediaDir, brokerUrl, tenant, s3 } = JSON.parse(process.argv[2] ?? '') as CrashingOptions;
const timeZone = 'UTC';

await runService('media-sync', async (stack, log) => {
  const db = await openMediaDatabase(stack, dbUrl);
  const bus = stack.use(connectBus({ url: brokerUrl, service: 'media-sync', password: 'secret', est, log }));
  const budget = createPixelBudget(limits.mediaPixelsMax, 2);
  const derivePhoto = createDerivePhoto({ files: openMediaFiles(mediaDir), budget, timeZone });
  openMediaApp(stack, {
    db,
    bus,
    store: stack.use(openS3Store(s3)),
    tenant,
    est,
    timeZone,
    mediaDir,
    brokerUrl,
    mqttPassword: 'secret',
    log,
    async derivePhoto(job) {
      if (readFileSync(join(mediaDir, 'originals', job.file)).toString('latin1', 0, 5) === 'KILLS')
        process.kill(process.pid, 'SIGSEGV');
      return await derivePhoto(job);
    },
    deriveIsolated: createDeriveIsolated({
      mediaDir,
      timeZone,
      child: new URL('./crashing-child.ts', import.meta.url),
    }),
  });
});
