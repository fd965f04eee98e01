import { limits } from '@sgp/shared/limits';
import { createDerivePhoto, type DeriveJob } from '../../src/derive/derive-photo.ts';
import { openMediaFiles } from '../../src/derive/derived-files.ts';
import { setUpSharp } from '../../src/derive/make-presets.ts';
import { createPixelBudget } from '../../src/derive/pixel-budget.ts';

/** Derives one file in a fresh process and tells how much memory that took at its peak. */

export type Measured = { readonly outcome: string; readonly code: string | null; readonly grownBytes: number };

/** Sampled: the peak that the system keeps for a process begins with that of the process that started it. */
const sampleEveryMs = 2;

process.once('message', async ({ mediaDir, ...job }: DeriveJob & { readonly mediaDir: string }) => {
  setUpSharp();
  const budget = createPixelBudget(limits.mediaPixelsMax, 1);
  const derivePhoto = createDerivePhoto({ files: openMediaFiles(mediaDir), budget, timeZone: 'UTC' });
  const before = process.memoryUsage.rss();
  let peak = before;
  const sampler = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss());
  }, sampleEveryMs);
  const result = await derivePhoto(job);
  clearInterval(sampler);
  const measured: Measured = {
    outcome: result.outcome,
    code: result.outcome === 'refused' ? result.refused.code : null,
    grownBytes: Math.max(peak, process.memoryUsage.rss()) - before,
  };
  process.send?.(measured, () => process.exit(0));
});
