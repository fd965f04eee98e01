import type { OutboxChange, Push } from './ports.ts';

export type Tenant = { readonly companyId: string; readonly establishmentId: string; readonly nodeId: string };

/**
 * The same for every resend of a push, and never the same for two pushes: `epoch` names the history of this disk and
 * `pushSeq` is never given twice in it.
 */
export const idempotencyKey = ({ epoch, pushSeq }: Pick<Push, 'epoch' | 'pushSeq'>): string => `${epoch}-${pushSeq}`;

/**
 * Body of a push (`pushBatchSchema`). Payloads are put in as the outbox holds them, byte for byte: parsing them again
 * would cost most of the time of a push. The same push always gives the same text.
 */
export function encodePush(tenant: Tenant, push: Push): string {
  const head = JSON.stringify({
    schemaVersion: 1,
    companyId: tenant.companyId,
    establishmentId: tenant.establishmentId,
    nodeId: tenant.nodeId,
    epoch: push.epoch,
    pushSeq: push.pushSeq,
    lowWaterSeq: push.lowWaterSeq,
    sentAtMs: push.sentAt,
  });
  return `${head.slice(0, -1)},"changes":[${push.changes.map(encodeChange).join(',')}]}`;
}

function encodeChange({ payload, ...rest }: OutboxChange): string {
  const { seq, id, stream, entityId, version, parentVersion, updatedAt, op, hash } = rest;
  const head = JSON.stringify({ seq, id, stream, entityId, version, parentVersion, updatedAt, op, hash });
  return `${head.slice(0, -1)},"payload":${payload}}`;
}
