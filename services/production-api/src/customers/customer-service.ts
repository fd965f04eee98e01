import type { Database } from '@sgp/service-kit/database';
import { newId } from '@sgp/service-kit/ids';
import type { Customer, newCustomerBody, patchCustomerBody } from '@sgp/shared/api/orders';
import { AppError } from '@sgp/shared/errors';
import type * as z from 'zod';
import { type Actor, type AuditStore, difference, refreshed } from '../audit/audit-store.ts';
import type { OrderStore } from '../orders/order-store.ts';
import type { OrderWriter } from '../orders/order-writer.ts';
import type { Say } from '../streams/say.ts';
import type { CustomerStore } from './customer-store.ts';
import { createCustomerStream } from './customer-stream.ts';
import { toE164 } from './phone.ts';
import { isTaxId, plainTaxId } from './tax-id.ts';

export type CustomerService = {
  list(query: { readonly q?: string | undefined; readonly limit: number }): Promise<Customer[]>;
  /** @throws AppError NOT_FOUND */
  get(customerId: string): Promise<Customer>;
  /**
   * The same content under the same `customerId` again is a repeat after a lost answer: it answers the customer that is there.
   * @throws AppError BODY_INVALID for a tax id whose check digits are wrong; ALREADY_EXISTS for other content, with the
   *   customer in `details.current`
   */
  create(body: z.infer<typeof newCustomerBody>, actor: Actor): Promise<Customer>;
  /** A new first name or phone also makes new versions of the customer's open orders: their snapshots carry them. */
  change(customerId: string, body: z.infer<typeof patchCustomerBody>, actor: Actor): Promise<Customer>;
};

export type CustomerServiceDeps = {
  readonly db: Database;
  readonly customers: CustomerStore;
  readonly orders: Pick<OrderStore, 'openIds'>;
  readonly writer: OrderWriter;
  readonly audit: Pick<AuditStore, 'append' | 'created'>;
  readonly say: Say;
};

export function createCustomerService(deps: CustomerServiceDeps): CustomerService {
  const { db, customers, orders, writer, audit } = deps;
  const tell = createCustomerStream(deps.say);
  const must = async (tx: Database, customerId: string): Promise<Customer> => {
    const customer = await customers.find(tx, customerId);
    if (!customer) throw new AppError('NOT_FOUND', 'There is no such customer.');
    return customer;
  };
  const record = (tx: Database, actor: Actor, action: string, before: Customer | null, after: Customer) =>
    audit.append(tx, {
      at: Date.now(),
      actor,
      entity: 'customer',
      entityId: after.customerId,
      action,
      summary: {},
      ...difference(before ?? {}, after),
    });
  return {
    list: (query) => customers.list(db, query),
    get: (customerId) => must(db, customerId),
    create: (body, actor) =>
      writer.transaction(async ({ tx }) => {
        const customer: Customer = {
          customerId: body.customerId ?? newId(),
          name: body.name,
          firstName: body.firstName ?? firstWord(body.name),
          phone: body.phone === undefined ? null : toE164(body.phone),
          email: body.email ?? null,
          taxId: body.taxId === undefined ? null : checkedTaxId(body.taxId),
          note: body.note ?? '',
          openOrders: 0,
          createdAt: Date.now(),
        };
        const known = await customers.find(tx, customer.customerId);
        if (known) {
          if (isSameContent(await audit.created(tx, 'customer', known.customerId), customer)) return known;
          throw new AppError('ALREADY_EXISTS', 'This customer exists with other content; nothing was changed.', {
            details: { current: known },
          });
        }
        await customers.insert(tx, customer);
        await tell(tx, customer.customerId);
        await record(tx, actor, 'created', null, customer);
        return customer;
      }),
    change: (customerId, body, actor) =>
      writer.transaction(async ({ tx, change }) => {
        const before = await must(tx, customerId);
        const after: Customer = {
          ...before,
          name: body.name ?? before.name,
          firstName: body.firstName ?? before.firstName,
          phone: body.phone === undefined ? before.phone : toE164(body.phone),
          email: body.email ?? before.email,
          taxId: body.taxId === undefined ? before.taxId : checkedTaxId(body.taxId),
          note: body.note ?? before.note,
        };
        await customers.update(tx, after);
        if (before.name !== after.name || before.firstName !== after.firstName) await tell(tx, customerId);
        await record(tx, actor, 'edited', before, after);
        if (before.firstName !== after.firstName || before.phone !== after.phone)
          for (const orderId of await orders.openIds(tx, customerId))
            await change(orderId, actor, null, (order) => ({ order, kind: refreshed, facts: { because: 'customer' } }));
        return after;
      }),
  };
}

/** Is this what the customer was created with? `created` is what the trail keeps of that. */
const isSameContent = (created: Readonly<Record<string, unknown>> | null, customer: Customer): boolean =>
  created !== null &&
  (['name', 'firstName', 'phone', 'email', 'taxId', 'note'] as const).every((name) => created[name] === customer[name]);

const firstWord = (name: string): string => name.split(/\s+/, 1)[0] ?? name;

function checkedTaxId(taxId: string): string {
  const plain = plainTaxId(taxId);
  if (isTaxId(plain)) return plain;
  const message = 'This is no CPF and no CNPJ: its check digits are wrong.';
  throw new AppError('BODY_INVALID', `${message} Nothing was changed.`, {
    details: { issues: [{ path: 'taxId', message }] },
  });
}
