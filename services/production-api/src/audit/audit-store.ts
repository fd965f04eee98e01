import type { Database } from '@sgp/service-kit/database';
import { newId } from '@sgp/service-kit/ids';
import type { Say } from '../streams/say.ts';

/** Who did something, as it is kept for good: the name is the one they had then. */
export type Actor = {
  /** Null for a machine or the system itself. */
  readonly userId: string | null;
  readonly who: string;
  /** Network address of the browser; null when no browser asked. */
  readonly address: string | null;
};

export type Facts = Readonly<Record<string, string | number | boolean | null>>;

export type AuditEntry = {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly actor: Actor;
  readonly entity:
    | 'order'
    | 'customer'
    | 'user'
    | 'settings'
    | 'machine'
    | 'catalogue'
    | 'block'
    | 'stock'
    | 'conflict'
    | 'sync'
    | 'bundle';
  readonly entityId: string;
  readonly action: string;
  /** The parts of the sentence that a screen writes about it. */
  readonly summary: Facts;
  readonly before: object;
  readonly after: object;
};

export type HistoryRow = {
  readonly at: number;
  readonly who: string;
  readonly action: string;
  readonly summary: Facts;
};

/** Action of a version that was written only because something that its snapshot carries changed: no step of the order. */
export const refreshed = 'refreshed';

/** The audit trail: written in the transaction of the change itself, never changed (the database refuses). */
export type AuditStore = {
  append(tx: Database, entry: AuditEntry): Promise<void>;
  /** What was kept of an entity when it was created; null when no entry says so. */
  created(
    db: Database,
    entity: AuditEntry['entity'],
    entityId: string,
  ): Promise<Readonly<Record<string, unknown>> | null>;
  /** Newest first, without what is only {@link refreshed}. */
  history(db: Database, entityId: string, limit: number): Promise<readonly HistoryRow[]>;
};

/**
 * Entries that stay in the shop: they follow from others by themselves, every few seconds in a shop that works; or they tell
 * of a file that carries what waits, and would leave something waiting after each.
 */
const untold: ReadonlySet<string> = new Set([refreshed, 'count', 'bundle_written', 'bundle_settled']);

/** @param say tells the Core who did what, in the same transaction */
export function createAuditStore(say: Say): AuditStore {
  return {
    async append(tx, { at, actor, entity, entityId, action, summary, before, after }) {
      await tx('audit').insert({
        at,
        user_id: actor.userId,
        who: actor.who,
        address: actor.address,
        entity,
        entity_id: entityId,
        action,
        summary: JSON.stringify(summary),
        before: JSON.stringify(before),
        after: JSON.stringify(after),
      });
      if (untold.has(action)) return;
      const entryId = newId();
      const payload = { entryId, at, who: actor.who, entity, entityId, action };
      await say(tx, { stream: 'audit', entityId: entryId, version: 1, payload });
    },
    async created(db, entity, entityId) {
      const row = await db('audit').where({ entity, entity_id: entityId, action: 'created' }).first('after');
      return row ? JSON.parse(row.after) : null;
    },
    async history(db, entityId, limit) {
      const rows = await db('audit')
        .where({ entity_id: entityId })
        .whereNot({ action: refreshed })
        .orderBy('entry_id', 'desc')
        .limit(limit)
        .select('at', 'who', 'action', 'summary');
      return rows.map((row) => ({ ...row, summary: JSON.parse(row.summary) }));
    },
  };
}

/** The members that differ, before and after: what an audit entry keeps of a change. */
export function difference(
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): { readonly before: object; readonly after: object } {
  const names = Object.keys({ ...before, ...after }).filter(
    (name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]),
  );
  const pick = (from: Readonly<Record<string, unknown>>): object =>
    Object.fromEntries(names.map((name) => [name, from[name] ?? null]));
  return { before: pick(before), after: pick(after) };
}
