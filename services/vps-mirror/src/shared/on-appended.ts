import type { Log } from '@sgp/service-kit/log';
import type { NodeRecord } from '@sgp/shared/api/licensing';
import { hlcNodeOf } from '@sgp/shared/clock';
import type { StreamName } from '@sgp/shared/sync';
import type { auditPayloadSchema, FieldEdit, Movement } from '@sgp/shared/sync-payloads';
import { editFault } from '@sgp/sync-engine/ownership';
import type { Knex } from 'knex';
import type * as z from 'zod';
import { lockCompany } from '../downlink/down-changes.ts';
import type { DownWriter } from '../downlink/down-writer.ts';
import { type DownlinkStoreDeps, headOf } from '../downlink/downlink-store.ts';
import { decisionOf, takeDecisions } from './conflict-decisions.ts';
import type { CoreClock } from './core-clock.ts';
import { mergeEdits } from './merge-edits.ts';
import { moveTransfers } from './transfer-rows.ts';

/** Streams whose batches change what the establishments of a company share. */
export const sharedStreams = ['blocks', 'edits', 'stock', 'audit'] as const satisfies readonly StreamName[];
export type SharedStream = (typeof sharedStreams)[number];

/** Payloads that a batch applied, checked against their schema. */
type AuditPayload = z.infer<typeof auditPayloadSchema>;
export type AppendedRow = { readonly payload: FieldEdit | Movement | AuditPayload };

/**
 * Called in the transaction of a batch, after its rows were written: merges edits, brings transfers on, closes conflicts that were decided, and writes down
 * what the establishments must hear of. A rejection undoes the batch.
 */
export type OnAppended = (
  tx: Knex.Transaction,
  stream: SharedStream,
  rows: readonly AppendedRow[],
  node: Pick<NodeRecord, 'companyId' | 'establishmentId' | 'nodeId'>,
) => Promise<void>;

export function createOnAppended(deps: {
  readonly down: Pick<DownWriter, 'write'>;
  readonly everything: DownlinkStoreDeps['everything'];
  readonly clock: CoreClock;
  readonly log: Log;
  readonly now: () => number;
}): OnAppended {
  const { down, clock, log, now } = deps;
  return async (tx, stream, rows, node) => {
    const { companyId, establishmentId, nodeId } = node;
    const movements = stream === 'stock' ? rows.map(({ payload }) => payload as Movement).filter(isOfTransfer) : [];
    const isOfEdits = stream === 'edits' || stream === 'blocks';
    const edits = isOfEdits ? rows.map(({ payload }) => payload as FieldEdit).filter(isWhole(log)) : [];
    const audit = stream === 'audit' ? rows.map(({ payload }) => decisionOf(payload as AuditPayload)) : [];
    const decisions = audit.filter((each) => each !== null);
    if (movements.length === 0 && edits.length === 0 && decisions.length === 0) return;
    await lockCompany(tx, companyId);
    await headOf(tx, node, now(), deps.everything);
    await tx('stamp_nodes')
      .insert({ company_id: companyId, stamp_node: hlcNodeOf(nodeId), establishment_id: establishmentId })
      .onConflict(['company_id', 'stamp_node'])
      .merge();
    const at = { origin: establishmentId, nowMs: now(), stamp: clock.stamp([]) };
    const merged = await mergeEdits(tx, companyId, edits, at);
    const moved = await moveTransfers(tx, companyId, movements, at);
    const decided = await takeDecisions(tx, companyId, decisions, at);
    for (const { movementId, transferId } of moved.refused)
      log.warn({ establishmentId, movementId, transferId }, 'a movement fits no transfer; the transfer stays as it is');
    await down.write(tx, companyId, [...merged, ...moved.entries, ...decided], at.nowMs);
  };
}

const isOfTransfer = ({ transferId }: Movement): boolean => transferId !== undefined;

/** The batch parks such edits before; one that slips through must not stop the batch for ever. */
const isWhole =
  (log: Log) =>
  (edit: FieldEdit): boolean => {
    const fault = editFault(edit);
    if (fault !== null) log.warn({ editId: edit.editId, fault }, 'an edit cannot be merged; what stands stays');
    return fault === null;
  };
