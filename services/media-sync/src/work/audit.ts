import type { Log } from '@sgp/service-kit/log';
import { limits } from '@sgp/shared/limits';
import type { MediaMetrics } from '../media-metrics.ts';
import type { Photo } from '../photos/photo.ts';
import type { PhotoStore } from '../photos/photo-store.ts';
import { type ObjectStore, objectKeys, type Tenant } from '../storage/object-store.ts';
import { workLimits } from '../work-limits.ts';

export type AuditDeps = {
  readonly photos: Pick<PhotoStore, 'listToCheck' | 'saveChecked' | 'saveForgotten'>;
  readonly store: Pick<ObjectStore, 'head'>;
  readonly tenant: Tenant;
  readonly metrics: Pick<MediaMetrics, 'checked' | 'forgotten'>;
  readonly log: Pick<Log, 'info' | 'warn' | 'error'>;
};

export type AuditResult = { readonly checked: number; readonly forgotten: number };

/**
 * Asks the store for a batch of published photos, longest unchecked first, and sends back into the work what it forgot or
 * holds in another size. Stops early when the store does not answer: silence is not forgetting.
 */
export async function auditStore(deps: AuditDeps, checkedBefore: number): Promise<AuditResult> {
  const photos = await deps.photos.listToCheck(checkedBefore, limits.mediaAuditBatch);
  let forgotten = 0;
  let checked = 0;
  for (const photo of photos) {
    const verdict = await askFor(deps, photo);
    if (verdict === 'unknown') break;
    checked += 1;
    deps.metrics.checked.inc();
    if (verdict === 'there') {
      await deps.photos.saveChecked(photo.mediaId, Date.now());
      continue;
    }
    forgotten += 1;
    deps.metrics.forgotten.inc();
    deps.log.warn({ mediaId: photo.mediaId }, 'the store forgot a photo: uploading it again');
    await deps.photos.saveForgotten(photo.mediaId);
  }
  return { checked, forgotten };
}

async function askFor({ store, tenant }: AuditDeps, photo: Photo): Promise<'there' | 'forgotten' | 'unknown'> {
  const keys = [...objectKeys(tenant, photo.mediaId)];
  while (keys.length > 0) {
    const some = keys.splice(0, workLimits.auditHeadsAtOnceMax);
    const answers = await Promise.all(some.map(async ({ name, key }) => ({ name, head: await store.head(key) })));
    for (const { name, head } of answers) {
      if (head.outcome !== 'known') return 'unknown';
      if (head.sizeBytes !== photo.derived?.sizes[name]) return 'forgotten';
    }
  }
  return 'there';
}

/** Audits every `intervalMs`; a photo that was checked within it waits for the next time. */
export function startAudit(
  deps: AuditDeps & { readonly intervalMs: number; readonly onForgotten: () => void },
): AsyncDisposable {
  let running: Promise<void> = Promise.resolve();
  const audit = async (): Promise<void> => {
    try {
      const { forgotten } = await auditStore(deps, Date.now() - deps.intervalMs);
      if (forgotten > 0) deps.onForgotten();
    } catch (err) {
      deps.log.error({ err }, 'the audit of the store failed');
    }
  };
  const timer = setInterval(() => {
    running = running.then(audit);
  }, deps.intervalMs);
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await running;
    },
  };
}
