import { AppError } from '@sgp/shared/errors';
import type { Derived, Refused } from '../photos/photo.ts';
import type { MediaFiles } from './derived-files.ts';
import { inspectOriginal } from './inspect-original.ts';
import { isExhausted, makePresets } from './make-presets.ts';
import type { PixelBudget } from './pixel-budget.ts';

export type DeriveJob = { readonly mediaId: string; readonly file: string };

/**
 * How the work on one original ended. `failed`: not the picture's fault (disk full, original not there yet), try again.
 * `died`: the process that decoded it died or ran out of time: after a few of these the picture is to blame.
 */
export type DeriveOutcome =
  | { readonly outcome: 'derived'; readonly derived: Derived }
  | { readonly outcome: 'refused'; readonly refused: Refused }
  | { readonly outcome: 'failed'; readonly reason: string; readonly originalMissing: boolean }
  | { readonly outcome: 'died'; readonly reason: string };

export type DerivePhoto = (job: DeriveJob) => Promise<DeriveOutcome>;

/** The whole way of one original: header, presets, durable files. Doing it twice writes the same files again. */
export function createDerivePhoto(deps: {
  readonly files: MediaFiles;
  readonly budget: PixelBudget;
  /** IANA zone of the shop. */
  readonly timeZone: string;
}): DerivePhoto {
  return async ({ mediaId, file }) => {
    try {
      const path = deps.files.originalPath(file);
      const { width, height, takenAt, hasAlpha, cost } = await inspectOriginal(path, deps.timeZone, Date.now());
      const presets = await deps.budget.spend(cost, () => makePresets(path, hasAlpha));
      const sizes = await deps.files.writeDerived(mediaId, presets.files);
      return { outcome: 'derived', derived: { width, height, thumbhash: presets.thumbhash, takenAt, sizes } };
    } catch (error) {
      return toOutcome(error);
    }
  };
}

function toOutcome(error: unknown): DeriveOutcome {
  if (error instanceof AppError) return { outcome: 'refused', refused: { code: error.code, detail: error.message } };
  if (isExhausted(error)) return { outcome: 'died', reason: 'decoding ran out of time or memory' };
  const { code, message } = error as NodeJS.ErrnoException;
  return { outcome: 'failed', reason: message, originalMissing: code === 'ENOENT' };
}
