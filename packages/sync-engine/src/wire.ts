import type { EdgeHealth } from '@sgp/shared/sync';
import type { OutboxChange, Push } from './ports.ts';

export type Tenant = { readonly companyId: string; readonly establishmentId: string; readonly nodeId: string };

/**
 * The same for every resend of a push, and never the same for two pushes: `epoch` names the history of this disk and
 * `pushSeq` is never given twice in it on one channel.
 */
export const idempotencyKey = ({
  wire,
  epoch,
  channel,
  pushSeq,
}: Pick<Push, 'wire' | 'epoch' | 'channel' | 'pushSeq'>): string =>
  wire.version === 1 ? `${epoch}-${pushSeq}` : `${epoch}-${channel}-${pushSeq}`;

/**
 * Body of a push (`pushBatchSchema`), in the version that its `wire` says. Payloads are put in as the outbox holds them,
 * byte for byte: parsing them again would cost most of the time of a push. The same push always gives the same text.
 * @param health told with an empty batch, in version 2; a resend must repeat the bytes of the first attempt
 */
export function encodePush(tenant: Tenant, push: Push, health?: EdgeHealth): string {
  const { wire } = push;
  const head = JSON.stringify({
    schemaVersion: wire.version,
    companyId: tenant.companyId,
    establishmentId: tenant.establishmentId,
    nodeId: tenant.nodeId,
    epoch: push.epoch,
    ...(wire.version === 2 && {
      channel: push.channel,
      generation: wire.generation,
      instanceId: wire.instanceId,
    }),
    pushSeq: push.pushSeq,
    lowWaterSeq: push.lowWaterSeq,
    sentAtMs: push.sentAt,
    ...(wire.version === 2 && push.changes.length === 0 && health !== undefined && { health }),
  });
  const changes = push.changes.map((change) => encodeChange(change, wire.version));
  return `${head.slice(0, -1)},"changes":[${changes.join(',')}]}`;
}

function encodeChange({ payload, ...rest }: OutboxChange, version: 1 | 2): string {
  const {
    seq,
    id,
    stream,
    entityId,
    version: entityVersion,
    parentVersion,
    updatedAt,
    op,
    hash,
    requestId,
    lineage,
  } = rest;
  const head = JSON.stringify({
    seq,
    id,
    stream,
    entityId,
    version: entityVersion,
    parentVersion,
    updatedAt,
    op,
    hash,
    ...(version === 2 && requestId !== undefined && { requestId }),
    ...(version === 2 && lineage !== undefined && { lineage }),
  });
  return `${head.slice(0, -1)},"payload":${payload}}`;
}
