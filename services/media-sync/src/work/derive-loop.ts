import type { Log } from '@sgp/service-kit/log';
import type { DeriveOutcome, DerivePhoto } from '../derive/derive-photo.ts';
import type { MediaMetrics } from '../media-metrics.ts';
import type { Photo } from '../photos/photo.ts';
import type { PhotoStore } from '../photos/photo-store.ts';
import { workLimits } from '../work-limits.ts';
import { backoffMs } from './backoff.ts';
import { type Loop, startLoop } from './loop.ts';

export type DeriveLoopDeps = {
  readonly photos: Pick<
    PhotoStore,
    'takeToDerive' | 'saveDerived' | 'saveRefused' | 'retryDerive' | 'retryDeriveSuspect'
  >;
  /** Photos that any loop works on now. */
  readonly inWork: Set<string>;
  readonly derivePhoto: DerivePhoto;
  /** For originals whose earlier decoding has no end on record. */
  readonly deriveIsolated: DerivePhoto;
  readonly metrics: Pick<MediaMetrics, 'deriveSeconds' | 'refused' | 'deriveRetries'>;
  readonly log: Pick<Log, 'info' | 'warn' | 'error'>;
  /** A photo has a new state: publishers and announcers look. */
  readonly onProgress: () => void;
};

/** Decodes originals, newest first, two at a time. */
export function startDeriveLoop(deps: DeriveLoopDeps): Loop {
  const { photos, inWork, log } = deps;
  let picks = 0;

  const settle = async (photo: Photo, result: DeriveOutcome): Promise<void> => {
    const { mediaId } = photo;
    if (result.outcome === 'derived') return photos.saveDerived(mediaId, result.derived);
    if (result.outcome === 'refused') return refuse(photo, result.refused);
    deps.metrics.deriveRetries.inc();
    log.warn({ mediaId, outcome: result.outcome, reason: result.reason, starts: photo.deriveStarts }, 'not derived');
    if (result.outcome === 'failed') {
      if (result.originalMissing && photo.deriveFailures + 1 >= workLimits.originalLooksMax)
        return refuse(photo, {
          code: 'MEDIA_ORIGINAL_MISSING',
          detail: 'The original is not on the disk of the shop: upload the photo again.',
        });
      return photos.retryDerive(mediaId, Date.now() + backoffMs(photo.deriveFailures + 1, Math.random()));
    }
    if (photo.deriveStarts >= workLimits.deriveStartsMax)
      return refuse(photo, { code: 'MEDIA_CORRUPT', detail: `The image cannot be decoded: ${result.reason}.` });
    return photos.retryDeriveSuspect(mediaId, Date.now() + backoffMs(photo.deriveStarts, Math.random()));
  };
  const refuse = async (photo: Photo, refused: Parameters<PhotoStore['saveRefused']>[1]): Promise<void> => {
    await photos.saveRefused(photo.mediaId, refused);
    deps.metrics.refused.inc({ code: refused.code });
    log.info({ mediaId: photo.mediaId, errorCode: refused.code }, 'photo refused');
  };

  return startLoop<Photo>({
    name: 'derive',
    // One more than may decode: its files are written while the cores are busy with the others.
    atOnce: workLimits.derivingAtOnceMax + 1,
    log,
    async take() {
      const oldestFirst = ++picks % workLimits.oldestFirstEvery === 0;
      const taken = await photos.takeToDerive({ nowMs: Date.now(), busy: inWork, oldestFirst });
      if (taken.photo === null) return { job: null, lookAgainAt: taken.nextDueAt };
      inWork.add(taken.photo.mediaId);
      return { job: taken.photo };
    },
    async work(photo) {
      const end = deps.metrics.deriveSeconds.startTimer();
      try {
        // The first start is counted as well: 1 says that nobody worked on it before.
        const derive = photo.deriveStarts > 1 ? deps.deriveIsolated : deps.derivePhoto;
        const result = await endsInTime(derive(photo), photo.mediaId);
        await settle(photo, result);
        end({ outcome: result.outcome });
      } finally {
        inWork.delete(photo.mediaId);
        deps.onProgress();
      }
    },
  });
}

/**
 * A decoder that ignores its own time limit holds a thread that nobody can free. The error ends the process; the launcher
 * starts it anew, and the picture, whose start is on record, is then decoded in isolation.
 */
async function endsInTime(work: Promise<DeriveOutcome>, mediaId: string): Promise<DeriveOutcome> {
  const timer = setTimeout(() => {
    throw new Error(`decoding ${mediaId} does not end`);
  }, 2 * workLimits.deriveMaxMs);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
  }
}
