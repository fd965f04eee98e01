import type { Database } from '@sgp/service-kit/database';
import { doneTable } from './said-entities.ts';

/**
 * The hops of each version of an order (docs/sync-protocol.md §11.1). Only orders have a trail: they are what a customer
 * waits for. Times are those of the clock of who saw the hop; the Core's stand as it told them.
 */

const stream = 'orders';
/** Newest versions whose hops are kept: more than a person scrolls through, and an order that machines count on stays small. */
const versionsKept = 50;

type Committed = {
  readonly entityId: string;
  readonly version: number;
  readonly requestId: string | null;
  readonly at: number;
};

export async function noteCommitted(tx: Database, { entityId, version, requestId, at }: Committed): Promise<void> {
  const key = { stream, entity_id: entityId };
  await tx('sync_trail')
    .insert({ ...key, version, request_id: requestId, committed_at: at })
    .onConflict(['stream', 'entity_id', 'version'])
    .ignore();
  if (version > versionsKept)
    await tx('sync_trail')
      .where(key)
      .where('version', '<=', version - versionsKept)
      .delete();
}

export type Hop = { readonly entityId: string; readonly version: number; readonly at: number };

/** When versions were sent, applied by the Core, and acknowledged here; what is known already stays. */
export async function noteDelivered(
  tx: Database,
  done: readonly Pick<Hop, 'entityId' | 'version'>[],
  times: { readonly sentAt: number; readonly appliedAt: number; readonly ackedAt: number },
): Promise<void> {
  if (done.length === 0) return;
  const table = doneTable(tx, done);
  // A list of keys, because SQLite would walk through the whole stream to join with it.
  await tx.raw(
    `with ${table.sql}
     update sync_trail set sent_at = coalesce(sent_at, ?), applied_at = coalesce(applied_at, ?), acked_at = coalesce(acked_at, ?)
     where stream = ? and (entity_id, version) in (select entity_id, version from done)`,
    [...table.bindings, times.sentAt, times.appliedAt, times.ackedAt, stream] as never,
  );
}

/** When versions were first shown to their customers, as the Core told. */
export async function noteShown(tx: Database, shown: readonly Hop[]): Promise<void> {
  for (const { entityId, version, at } of shown)
    await tx('sync_trail')
      .where({ stream, entity_id: entityId, version })
      .whereNull('shown_at')
      .update({ shown_at: at });
}
