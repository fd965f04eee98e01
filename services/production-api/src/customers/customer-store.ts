import type { Database } from '@sgp/service-kit/database';
import type { Customer } from '@sgp/shared/api/orders';
import { openStatuses } from '../orders/stages.ts';
import { likePattern, searchText } from '../search-text.ts';

export type CustomerStore = {
  find(db: Database, customerId: string): Promise<Customer | null>;
  /** By name; those whose name, phone, tax id or mail contain `q`. */
  list(db: Database, query: { readonly q?: string | undefined; readonly limit: number }): Promise<Customer[]>;
  insert(tx: Database, customer: Customer): Promise<void>;
  update(tx: Database, customer: Customer): Promise<void>;
};

export function createCustomerStore(): CustomerStore {
  const read = (db: Database) =>
    db('customers as c').select(
      'c.*',
      db('orders as o')
        .whereRaw('o.customer_id = c.customer_id')
        .whereIn('o.status', [...openStatuses])
        .count('*')
        .as('open_orders'),
    );
  return {
    async find(db, customerId) {
      const [row] = await read(db).where('c.customer_id', customerId);
      return row ? fromRow(row) : null;
    },
    async list(db, { q, limit }) {
      const rows = await read(db)
        .modify((query) => {
          if (q !== undefined && q.trim() !== '') query.whereRaw(`c.search like ? escape '\\'`, [likePattern(q)]);
        })
        .orderBy('c.name')
        .orderBy('c.customer_id')
        .limit(limit);
      return rows.map(fromRow);
    },
    async insert(tx, customer) {
      await tx('customers').insert(toRow(customer));
    },
    async update(tx, customer) {
      await tx('customers').where({ customer_id: customer.customerId }).update(toRow(customer));
    },
  };
}

type Row = ReturnType<typeof toRow>;

const toRow = (customer: Customer) => ({
  customer_id: customer.customerId,
  name: customer.name,
  first_name: customer.firstName,
  phone: customer.phone,
  email: customer.email,
  tax_id: customer.taxId,
  note: customer.note,
  search: searchText(
    customer.name,
    customer.firstName,
    customer.phone,
    customer.email,
    customer.taxId,
    nationalDigits(customer.phone),
  ),
  created_at: customer.createdAt,
});

/** People type a phone without its country. */
const nationalDigits = (phone: string | null): string => phone?.replace(/^\+55/, '').replaceAll(/\D/g, '') ?? '';

const fromRow = (row: Row & { open_orders: number }): Customer => ({
  customerId: row.customer_id,
  name: row.name,
  firstName: row.first_name,
  phone: row.phone,
  email: row.email,
  taxId: row.tax_id,
  note: row.note,
  openOrders: Number(row.open_orders),
  createdAt: row.created_at,
});
