import type { Database } from '@sgp/service-kit/database';
import type { Log } from '@sgp/service-kit/log';
import type { Hlc } from '@sgp/shared/clock';
import type { StreamName } from '@sgp/shared/sync';
import { ledgerEntity, ledgerTextMaxChars } from '@sgp/sync-engine/lost-history';
import type { Actor } from '../audit/audit-store.ts';
import type { ConflictStore } from '../conflicts/conflict-store.ts';
import { createCustomerStream } from '../customers/customer-stream.ts';
import { createMachineStream } from '../machines/machine-stream.ts';
import type { OrderTransaction, OrderWriter } from '../orders/order-writer.ts';
import type { HlcStore } from '../outbox/hlc-store.ts';
import type { Say } from '../streams/say.ts';
import { lostVersionId } from './lost-history.ts';

/**
 * Writes anew what a comparison found the Core to be ahead in, or what this disk said before it kept the content
 * (docs/sync-protocol.md §6.2): above the Core's version, so that the shop's state stands and the Core's is in the ledger.
 */
export type Repairs = {
  /**
   * One that fails goes to the end, so that it holds up no other.
   * @returns how many are done
   */
  step(): Promise<number>;
};

type Repair = {
  readonly stream: StreamName;
  readonly entity_id: string;
  readonly core_version: number;
  readonly core_updated_at: Hlc | null;
  readonly core_doc: string | null;
};

export type RepairsDeps = {
  readonly db: Database;
  readonly writer: OrderWriter;
  readonly say: Say;
  readonly hlc: Pick<HlcStore, 'observe'>;
  readonly conflicts: Pick<ConflictStore, 'open'>;
  readonly log: Pick<Log, 'warn'>;
};

/** One step must not hold up a person who writes. */
const repairsPerStep = 20;
const actor: Actor = { userId: null, who: 'SGP', address: null };

export function createRepairs(deps: RepairsDeps): Repairs {
  const { db, writer, log } = deps;
  const tryOne = async (repair: Repair): Promise<boolean> => {
    try {
      await writer.transaction((orders) => repairOne(deps, orders, repair));
      return true;
    } catch (err) {
      const { stream, entity_id } = repair;
      log.warn({ err, stream, entityId: entity_id }, 'what the Core is ahead in could not be written anew');
      await db('sync_repairs').where({ stream, entity_id }).update({ found_at: Date.now() });
      return false;
    }
  };
  return {
    async step() {
      const due: readonly Repair[] = await db('sync_repairs').orderBy('found_at').limit(repairsPerStep);
      let done = 0;
      for (const repair of due) done += (await tryOne(repair)) ? 1 : 0;
      return done;
    },
  };
}

async function repairOne(deps: RepairsDeps, orders: OrderTransaction, repair: Repair): Promise<void> {
  const { tx } = orders;
  const key = { stream: repair.stream, entity_id: repair.entity_id };
  const isDue = (await tx('sync_repairs').where(key).delete()) > 0;
  if (isDue && (await writeAnew(deps, orders, repair)) && repair.core_version > 0) await listInLedger(deps, tx, repair);
}

/** @returns false when the entity is not here any more */
async function writeAnew(
  { say, hlc }: RepairsDeps,
  { tx, rewrite }: OrderTransaction,
  { stream, entity_id: entityId, core_version: version, core_updated_at: updatedAt }: Repair,
): Promise<boolean> {
  if (stream === 'orders') return (await rewrite(entityId, actor, { version, updatedAt })) !== null;
  const state = stream === 'customers' ? customers : stream === 'machines' ? machines : null;
  if (state === null) return false;
  if (updatedAt !== null) await hlc.observe(tx, updatedAt);
  const raised = await tx(state.table)
    .where({ [state.key]: entityId })
    .update({ sync_version: tx.raw('case when sync_version < ? then ? else sync_version end', [version, version]) });
  if (raised > 0) await state.tell(say)(tx, entityId);
  return raised > 0;
}

const customers = { table: 'customers', key: 'customer_id', tell: createCustomerStream } as const;
const machines = { table: 'machines', key: 'machine_id', tell: createMachineStream } as const;
async function listInLedger({ conflicts }: RepairsDeps, tx: Database, repair: Repair): Promise<void> {
  const { stream, entity_id: entityId, core_version: version, core_updated_at: at } = repair;
  const written = await tx('sync_entities').where({ stream, entity_id: entityId }).first('doc', 'updated_at');
  if (!written || at === null) return;
  await conflicts.open(tx, {
    conflictId: lostVersionId(stream, { entityId, version, updatedAt: at }),
    kind: 'order-restored',
    entity: ledgerEntity(stream),
    entityId,
    field: null,
    winner: { text: written.doc.slice(0, ledgerTextMaxChars), at: written.updated_at, who: actor.who },
    loser: { text: repair.core_doc ?? JSON.stringify({ version }), at, who: 'Core' },
    at: Date.now(),
    resolvedAt: null,
    resolution: null,
  });
}

/** A comparison runs each 15 minutes; what it finds is written anew soon after. */
const lookEveryMs = 2_000;

/** Writes anew what is due, step by step, until it is disposed. */
export function startRepairs(repairs: Repairs, log: Pick<Log, 'info' | 'warn'>): AsyncDisposable {
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  const look = async (): Promise<void> => {
    let more = false;
    try {
      const written = await repairs.step();
      if (written > 0) log.info({ written }, 'written anew above the version of the Core');
      more = written > 0;
    } catch (err) {
      log.warn({ err }, 'what is to be written anew could not be read; it is tried again');
    }
    if (!closed) timer = setTimeout(() => (looking = look()), more ? 0 : lookEveryMs);
  };
  let looking = look();
  return {
    async [Symbol.asyncDispose]() {
      closed = true;
      clearTimeout(timer);
      await looking;
    },
  };
}
