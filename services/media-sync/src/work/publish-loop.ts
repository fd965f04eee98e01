import type { Log } from '@sgp/service-kit/log';
import type { MediaMetrics } from '../media-metrics.ts';
import type { Photo } from '../photos/photo.ts';
import type { PhotoStore } from '../photos/photo-store.ts';
import { workLimits } from '../work-limits.ts';
import type { Gate } from './backoff.ts';
import { heedFault } from './heed-fault.ts';
import { type Loop, startLoop } from './loop.ts';
import { type PublishDeps, publishPhoto } from './publish-photo.ts';

export type PublishLoopDeps = Omit<PublishDeps, 'metrics'> & {
  readonly photos: Pick<PhotoStore, 'takeToPublish' | 'savePublished' | 'retryPublish' | 'deriveAnew'>;
  readonly gate: Gate;
  /** Photos that any loop works on now. */
  readonly inWork: Set<string>;
  readonly metrics: Pick<MediaMetrics, 'uploads' | 'uploadBytes' | 'publishRetries'>;
  readonly log: Pick<Log, 'info' | 'warn' | 'error'>;
  readonly onProgress: () => void;
};

/** Brings derived photos to the store, newest first, for as long as it takes. */
export function startPublishLoop(deps: PublishLoopDeps): Loop {
  const { photos, gate, inWork, log } = deps;
  let working = 0;
  let picks = 0;

  const settle = async (photo: Photo): Promise<void> => {
    const { mediaId } = photo;
    const result = await publishPhoto(deps, photo);
    if (result.outcome === 'published') {
      if (gate.failures > 0) log.info({ failures: gate.failures }, 'the media store is back');
      gate.succeeded();
      return photos.savePublished(mediaId, Date.now());
    }
    deps.metrics.publishRetries.inc();
    if (result.outcome === 'derivedMissing') {
      log.warn({ mediaId }, 'derived files are not on the disk: deriving anew');
      return photos.deriveAnew(mediaId);
    }
    log.warn(
      { mediaId, outcome: result.outcome, reason: result.reason, attempt: photo.publishAttempts },
      'not published',
    );
    return photos.retryPublish(mediaId, heedFault(gate, result, photo.publishAttempts, Date.now()));
  };

  return startLoop<Photo>({
    name: 'publish',
    atOnce: workLimits.publishingAtOnceMax,
    log,
    async take() {
      const { atOnce, lookAgainAt } = gate.allowed(Date.now());
      if (working >= atOnce) return { job: null, lookAgainAt };
      const oldestFirst = ++picks % workLimits.oldestFirstEvery === 0;
      const taken = await photos.takeToPublish({ nowMs: Date.now(), busy: inWork, oldestFirst });
      if (taken.photo === null) return { job: null, lookAgainAt: taken.nextDueAt };
      inWork.add(taken.photo.mediaId);
      working += 1;
      return { job: taken.photo };
    },
    async work(photo) {
      try {
        await settle(photo);
      } finally {
        inWork.delete(photo.mediaId);
        working -= 1;
        deps.onProgress();
      }
    },
  });
}
