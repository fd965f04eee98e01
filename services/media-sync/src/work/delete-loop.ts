import type { Log } from '@sgp/service-kit/log';
import type { MediaMetrics } from '../media-metrics.ts';
import type { Photo } from '../photos/photo.ts';
import type { PhotoStore } from '../photos/photo-store.ts';
import { workLimits } from '../work-limits.ts';
import type { Gate } from './backoff.ts';
import { type DeletePhotoDeps, deletePhoto } from './delete-photo.ts';
import { heedFault } from './heed-fault.ts';
import { type Loop, startLoop } from './loop.ts';

export type DeleteLoopDeps = DeletePhotoDeps & {
  readonly photos: Pick<PhotoStore, 'takeToDelete' | 'saveDeleted' | 'retryDelete'>;
  readonly gate: Gate;
  /** Photos that any loop works on now: what still decodes or uploads one would bring it back after its deletion. */
  readonly inWork: Set<string>;
  readonly metrics: Pick<MediaMetrics, 'deletions'>;
  readonly log: Pick<Log, 'info' | 'warn' | 'error'>;
  readonly onProgress: () => void;
};

/** Removes deleted photos from the store, longest waiting first, for as long as it takes. */
export function startDeleteLoop(deps: DeleteLoopDeps): Loop {
  const { photos, gate, inWork, log } = deps;

  const settle = async (photo: Photo): Promise<void> => {
    const { mediaId } = photo;
    const result = await deletePhoto(deps, photo);
    deps.metrics.deletions.inc({ outcome: result.outcome });
    if (result.outcome === 'deleted') {
      gate.succeeded();
      return photos.saveDeleted(mediaId);
    }
    log.warn(
      { mediaId, outcome: result.outcome, reason: result.reason, attempt: photo.publishAttempts },
      'not deleted',
    );
    return photos.retryDelete(mediaId, heedFault(gate, result, photo.publishAttempts, Date.now()));
  };

  return startLoop<Photo>({
    name: 'delete',
    atOnce: workLimits.deletingAtOnceMax,
    log,
    async take() {
      const { atOnce, lookAgainAt } = gate.allowed(Date.now());
      if (atOnce === 0) return { job: null, lookAgainAt };
      const taken = await photos.takeToDelete({ nowMs: Date.now(), busy: inWork, oldestFirst: true });
      if (taken.photo === null) return { job: null, lookAgainAt: taken.nextDueAt };
      inWork.add(taken.photo.mediaId);
      return { job: taken.photo };
    },
    async work(photo) {
      try {
        await settle(photo);
      } finally {
        inWork.delete(photo.mediaId);
        deps.onProgress();
      }
    },
  });
}
