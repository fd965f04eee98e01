import type { Database } from '@sgp/service-kit/database';
import type { Stage } from '@sgp/shared/api/orders';

/** What customers read of the shop, and its IANA time zone. */
export type Shop = {
  readonly name: string;
  readonly phone: string;
  readonly whatsapp: string;
  readonly timeZone: string;
};

export type ShopStore = {
  /** Writes the shop as enrolment named it, if it is not there yet. */
  ensure(db: Database, first: Pick<Shop, 'name' | 'timeZone'>): Promise<void>;
  read(db: Database): Promise<Shop>;
  write(tx: Database, shop: Shop): Promise<void>;
  /** The board's columns, in order. */
  stages(db: Database): Promise<readonly Stage[]>;
  relabel(tx: Database, key: string, label: string): Promise<void>;
};

export function createShopStore(): ShopStore {
  return {
    async ensure(db, { name, timeZone }) {
      await db('shop').insert({ id: 1, name, phone: '', whatsapp: '', time_zone: timeZone }).onConflict('id').ignore();
    },
    async read(db) {
      const row = await db('shop').where({ id: 1 }).first();
      return { name: row.name, phone: row.phone, whatsapp: row.whatsapp, timeZone: row.time_zone };
    },
    async write(tx, { name, phone, whatsapp, timeZone }) {
      await tx('shop').where({ id: 1 }).update({ name, phone, whatsapp, time_zone: timeZone });
    },
    stages: async (db) => await db('stages').orderBy('position').select('key', 'label', 'status'),
    async relabel(tx, key, label) {
      await tx('stages').where({ key }).update({ label });
    },
  };
}
