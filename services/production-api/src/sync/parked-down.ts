import { AppError } from '@sgp/shared/errors';
import type { DownStream } from '@sgp/shared/sync-downlink';
import type { Actor, AuditStore } from '../audit/audit-store.ts';
import type { DownInbox } from '../inbox/down-inbox.ts';

/** Changes of the Core that this shop could not apply and that a person tries again. */
export type ParkedDown = {
  /** @throws AppError NOT_FOUND when nothing of the entity is set aside; the reason's code while it still does not fit */
  retry(stream: DownStream, entityId: string, actor: Actor): Promise<void>;
};

export function createParkedDown(deps: {
  readonly inbox: Pick<DownInbox, 'retry'>;
  readonly audit: Pick<AuditStore, 'append'>;
  /** What came in may be on a screen. */
  readonly onApplied: () => void;
}): ParkedDown {
  return {
    async retry(stream, entityId, actor) {
      const fault = await deps.inbox.retry(stream, entityId, (tx, { version, code }) =>
        deps.audit.append(tx, {
          ...{ at: Date.now(), actor, entity: 'sync', entityId, action: 'retried' },
          summary: { direction: 'down', stream, version, code },
          ...{ before: { parked: true }, after: { parked: false } },
        }),
      );
      if (fault === undefined) throw new AppError('NOT_FOUND', 'Nothing of this is set aside.');
      if (fault !== null)
        throw new AppError(fault.code, `It still does not fit: ${fault.detail}. Nothing was changed.`);
      deps.onApplied();
    },
  };
}
