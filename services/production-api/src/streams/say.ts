import { createHash } from 'node:crypto';
import { type Database, isPostgres } from '@sgp/service-kit/database';
import type { Json } from '@sgp/shared/canonical-json';
import type { Hlc } from '@sgp/shared/clock';
import type { StreamName } from '@sgp/shared/sync';
import type { payloadSchemas } from '@sgp/shared/sync-payloads';
import { uuidV7 } from '@sgp/shared/uuid';
import type * as z from 'zod';
import type { HlcStore } from '../outbox/hlc-store.ts';
import type { OutboxStore } from '../outbox/outbox-store.ts';

/** What leaves the shop about one entity; orders have a writer of their own. */
export type Said = {
  readonly [S in Exclude<StreamName, 'orders'>]: {
    readonly stream: S;
    readonly entityId: string;
    /** 1 where each change is an entity of its own. */
    readonly version: number;
    readonly payload: z.infer<(typeof payloadSchemas)[S]>;
    /** Where the payload carries its stamp itself; else a new one is given. */
    readonly updatedAt?: Hlc;
  };
}[Exclude<StreamName, 'orders'>];

/** Writes a change into the outbox, in the transaction of the row that it tells of (DESIGN §4). */
export type Say = (tx: Database, said: Said) => Promise<void>;

export const createSay =
  ({ outbox, hlc }: { readonly outbox: Pick<OutboxStore, 'append'>; readonly hlc: Pick<HlcStore, 'tick'> }): Say =>
  async (tx, { stream, entityId, version, payload, updatedAt }) => {
    await outbox.append(tx, {
      stream,
      entityId,
      version,
      parentVersion: version - 1,
      updatedAt: updatedAt ?? (await hlc.tick(tx)),
      payload: payload as Json,
    });
  };

/** An identity that is the same however often it is made from the same name: what is written twice is then one thing. */
export const derivedId = (atMs: number, name: string): string =>
  uuidV7(atMs, createHash('sha256').update(name).digest());

/** Any constant: the advisory lock of everything that writes orders, stock and shared entities. */
const writesLock = 2847;

/**
 * A transaction of one writer at a time, as SQLite has it: two that touch the same materials or entities in another order
 * cannot wait for each other.
 */
export const inTurn = <Result>(db: Database, work: (tx: Database) => Promise<Result>): Promise<Result> =>
  db.transaction(async (tx) => {
    if (isPostgres(tx)) await tx.raw('select pg_advisory_xact_lock(?)', [writesLock]);
    return work(tx);
  });
