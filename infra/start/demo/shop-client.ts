import { randomBytes } from 'node:crypto';
import type { Machine, MachineCredential } from '@sgp/shared/api/machines';
import type { Customer, Order, OrderSummary } from '@sgp/shared/api/orders';
import { limits } from '@sgp/shared/limits';
import { uuidV7 } from '@sgp/shared/uuid';

export type NewDemoOrder = {
  readonly customerId: string;
  readonly items: readonly {
    description: string;
    quantity: number;
    unit: string;
    unitPriceCents: number;
    spec: { label: string; value: string }[];
  }[];
  readonly promisedAt: number;
  readonly paidCents?: number;
  readonly note?: string;
};

/** The intranet's API as the demonstration uses it: the same addresses and the same cookie as a browser. */
export type ShopClient = {
  needsOwner(): Promise<boolean>;
  createOwner(owner: { name: string; login: string; password: string; shopName: string }): Promise<void>;
  signIn(login: string, password: string): Promise<void>;
  createCustomer(customer: { name: string; firstName?: string; phone?: string }): Promise<Customer>;
  createOrder(order: NewDemoOrder): Promise<Order>;
  move(order: Pick<OrderSummary, 'orderId' | 'version'>, to: string): Promise<Order>;
  promise(order: Pick<OrderSummary, 'orderId' | 'version'>, promisedAt: number, reason: string): Promise<Order>;
  openOrders(): Promise<readonly OrderSummary[]>;
  /** Sends a photo in pieces, as the intranet does. Returns its mediaId. */
  addPhoto(orderId: string, fileName: string, bytes: Buffer): Promise<string>;
  registerMachine(machine: { name: string; slug: string; kind: string; sector: string }): Promise<MachineCredential>;
  machines(): Promise<readonly Machine[]>;
  /** How customers reach the shop. */
  saveContact(contact: { name: string; phone: string; whatsapp: string; timeZone: string }): Promise<void>;
  order(orderId: string): Promise<Order>;
  /** Any other address. */
  get<Answer>(path: string): Promise<Answer>;
  /** The session's cookie, for an event stream or a browser. */
  readonly cookie: string;
};

export function createShopClient(baseUrl: string): ShopClient {
  let cookie = '';
  const call = async (
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Response> => {
    const bytes = body instanceof Uint8Array;
    const response = await fetch(new URL(path, baseUrl), {
      method,
      headers: {
        ...(cookie && { cookie }),
        ...(body !== undefined && { 'content-type': bytes ? 'application/octet-stream' : 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: bytes ? (body as Uint8Array<ArrayBuffer>) : JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    const set = response.headers.getSetCookie()[0];
    if (set) cookie = set.split(';')[0] ?? '';
    return response;
  };
  const json = async <Answer>(method: string, path: string, body?: unknown): Promise<Answer> =>
    (await call(method, path, body)).json() as Promise<Answer>;
  return {
    needsOwner: async () => (await json<{ needsOwner: boolean }>('GET', '/api/setup')).needsOwner,
    createOwner: async (owner) => void (await call('POST', '/api/setup/owner', owner)),
    signIn: async (login, password) => void (await call('POST', '/api/session', { login, password })),
    createCustomer: (customer) => json('POST', '/api/customers', customer),
    createOrder: (order) => json('POST', '/api/orders', order),
    move: ({ orderId, version }, to) => json('POST', `/api/orders/${orderId}/move`, { expectedVersion: version, to }),
    promise: ({ orderId, version }, promisedAt, reason) =>
      json('POST', `/api/orders/${orderId}/promise`, { expectedVersion: version, promisedAt, reason }),
    openOrders: async () =>
      (await json<{ orders: OrderSummary[] }>('GET', `/api/orders?open=1&limit=${limits.pageMaxRows}`)).orders,
    async addPhoto(orderId, fileName, bytes) {
      const mediaId = uuidV7(Date.now(), randomBytes(10));
      await call('POST', `/api/orders/${orderId}/media`, { mediaId, fileName, sizeBytes: bytes.length, visible: true });
      for (let offset = 0; offset < bytes.length; offset += limits.mediaChunkMaxBytes) {
        const chunk = bytes.subarray(offset, offset + limits.mediaChunkMaxBytes);
        await call('PATCH', `/api/media/${mediaId}/content`, chunk, {
          'upload-offset': String(offset),
        });
      }
      return mediaId;
    },
    registerMachine: (machine) => json('POST', '/api/machines', machine),
    saveContact: async (shop) => void (await call('PUT', '/api/settings', { shop })),
    order: (orderId) => json('GET', `/api/orders/${orderId}`),
    get: (path) => json('GET', path),
    get cookie() {
      return cookie;
    },
    machines: async () => (await json<{ machines: Machine[] }>('GET', '/api/machines')).machines,
  };
}
