import { createHash } from 'node:crypto';
import type { NodeRecord } from '@sgp/shared/api/licensing';
import type { Hlc } from '@sgp/shared/clock';
import type { StreamName } from '@sgp/shared/sync';
import { uuidV7 } from '@sgp/shared/uuid';
import { ledgerEntity, ledgerTextMaxChars, lostVersionName } from '@sgp/sync-engine/lost-history';
import type { Knex } from 'knex';
import { lockCompany, nextStep } from '../downlink/down-changes.ts';
import type { DownWriter } from '../downlink/down-writer.ts';
import { type DownlinkStoreDeps, headOf } from '../downlink/downlink-store.ts';
import { conflictDown, findConflict, type LedgerEntry, writeEntries } from './conflict-ledger.ts';
import type { CoreClock } from './core-clock.ts';

type Text = { readonly version: number; readonly updatedAt: Hlc; readonly doc: string };
/** A row that was written over by a change that was not made from it. */
export type Overwritten = { readonly entityId: string; readonly by: Text; readonly lost: Text };

/**
 * Lists what was written over by a disk that did not know of it, in the transaction that did it, and tells the shop: it was
 * restored from a backup, and what the Core had was acknowledged before (docs/sync-protocol.md §8.4).
 */
export type NoteOverwritten = (
  tx: Knex.Transaction,
  stream: StreamName,
  overwritten: readonly Overwritten[],
  node: Pick<NodeRecord, 'companyId' | 'establishmentId'>,
) => Promise<void>;

export function createNoteOverwritten(deps: {
  readonly down: Pick<DownWriter, 'write'>;
  readonly everything: DownlinkStoreDeps['everything'];
  readonly clock: CoreClock;
  readonly now: () => number;
}): NoteOverwritten {
  const { down, clock, now } = deps;
  return async (tx, stream, overwritten, node) => {
    const { companyId, establishmentId } = node;
    await lockCompany(tx, companyId);
    await headOf(tx, node, now(), deps.everything);
    const entries: LedgerEntry[] = [];
    for (const each of overwritten) {
      const conflictId = entryIdOf(stream, each);
      if ((await findConflict(tx, companyId, conflictId)) !== null) continue;
      entries.push({
        conflict: conflictOf(stream, each, conflictId, now()),
        ...nextStep(null, { nowMs: now(), stamp: clock.stamp([]) }),
        establishmentIds: [establishmentId],
      });
    }
    await writeEntries(tx, companyId, entries);
    await down.write(tx, companyId, entries.map(conflictDown), now());
  };
}

function entryIdOf(stream: StreamName, { entityId, lost }: Overwritten): string {
  const { atMs, name } = lostVersionName(stream, { entityId, ...lost });
  return uuidV7(atMs, createHash('sha256').update(name).digest());
}

const conflictOf = (
  stream: StreamName,
  { entityId, by, lost }: Overwritten,
  conflictId: string,
  at: number,
): LedgerEntry['conflict'] => ({
  conflictId,
  kind: 'order-restored',
  entity: ledgerEntity(stream),
  entityId,
  field: null,
  winner: { text: by.doc.slice(0, ledgerTextMaxChars), at: by.updatedAt, who: '' },
  loser: { text: lost.doc.slice(0, ledgerTextMaxChars), at: lost.updatedAt, who: 'Core' },
  at,
  resolvedAt: null,
  resolution: null,
});
