import { limits } from '@sgp/shared/limits';
import type { DeriveJob } from './derive-photo.ts';
import { createDerivePhoto } from './derive-photo.ts';
import { openMediaFiles } from './derived-files.ts';
import { setUpSharp } from './make-presets.ts';
import { createPixelBudget } from './pixel-budget.ts';

/** Process of its own for one picture that may have killed the service: it takes one job and answers with the outcome. */

export type IsolatedJob = DeriveJob & { readonly mediaDir: string; readonly timeZone: string };

setUpSharp();
process.on('disconnect', () => process.exit(0));
process.once('message', async ({ mediaDir, timeZone, ...job }: IsolatedJob) => {
  const budget = createPixelBudget(limits.mediaPixelsMax, 1);
  const derivePhoto = createDerivePhoto({ files: openMediaFiles(mediaDir), budget, timeZone });
  process.send?.(await derivePhoto(job));
});
