import type { ConflictEntry, conflictsSchema } from '@sgp/shared/api/conflicts';
import type {
  LogLine,
  Machine,
  MachineCredential,
  newMachineBody,
  patchMachineBody,
  Refusals,
  RevokedMachine,
  stateSpansSchema,
  TelemetrySeries,
} from '@sgp/shared/api/machines';
import type {
  Board,
  Customer,
  Media,
  moveOrderBody,
  newCustomerBody,
  newMediaBody,
  newOrderBody,
  Order,
  OrderSummary,
  patchCustomerBody,
  patchOrderBody,
  promiseBody,
  Today,
} from '@sgp/shared/api/orders';
import type {
  newUserBody,
  patchUserBody,
  Session,
  setupOwnerBody,
  setupSchema,
  signInPeopleSchema,
  User,
} from '@sgp/shared/api/people';
import type { Licence, putSettingsBody, Services, Settings, SyncPage } from '@sgp/shared/api/shop';
import type { Bundle, BundleSettled, BundleState, Trail } from '@sgp/shared/api/sync';
import type * as z from 'zod';
import { type Http, LONG_ANSWER_MAX_MS } from './http.ts';

export type Setup = z.infer<typeof setupSchema>;
export type SignInPeople = z.infer<typeof signInPeopleSchema>;
export type NewOrder = z.input<typeof newOrderBody>;
export type NewCustomer = z.input<typeof newCustomerBody>;
export type Conflicts = z.infer<typeof conflictsSchema>;
export type StateSpans = z.infer<typeof stateSpansSchema>;
export type OrderList = {
  readonly orders: readonly OrderSummary[];
  readonly total: number;
  readonly nextCursor: string | null;
};
export type LogPage = { readonly lines: readonly LogLine[]; readonly nextBefore: string | null };

type Query = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** `/api/orders?late=1`: leaves out what is empty, so that addresses stay short and cacheable. */
export function withQuery(path: string, query: Query): string {
  const parameters = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value === undefined || value === null || value === '' || value === false) continue;
    parameters.set(key, value === true ? '1' : String(value));
  }
  const text = parameters.toString();
  return text ? `${path}?${text}` : path;
}

/** Every address of the local server that the screens use, by name, with the types of the contract. */
export function createApi({ get, send, sendBytes }: Http) {
  const id = encodeURIComponent;
  return {
    setup: () => get<Setup>('/api/setup'),
    createOwner: (body: z.input<typeof setupOwnerBody>) => send<Session>('POST', '/api/setup/owner', body),
    people: () => get<SignInPeople>('/api/sign-in/people'),
    signIn: (login: string, password: string) => send<Session>('POST', '/api/session', { login, password }),
    session: () => get<Session>('/api/session'),
    signOut: () => send<void>('DELETE', '/api/session'),
    users: () => get<{ users: User[] }>('/api/users'),
    createUser: (body: z.input<typeof newUserBody>) => send<User>('POST', '/api/users', body),
    changeUser: (userId: string, body: z.input<typeof patchUserBody>) =>
      send<User>('PATCH', `/api/users/${id(userId)}`, body),

    today: () => get<Today>('/api/today'),
    board: () => get<Board>('/api/board'),
    orders: (query: Query, signal?: AbortSignal) => get<OrderList>(withQuery('/api/orders', query), signal),
    order: (orderId: string) => get<Order>(`/api/orders/${id(orderId)}`),
    createOrder: (body: NewOrder) => send<Order>('POST', '/api/orders', body),
    changeOrder: (orderId: string, body: z.input<typeof patchOrderBody>) =>
      send<Order>('PATCH', `/api/orders/${id(orderId)}`, body),
    moveOrder: (orderId: string, body: z.input<typeof moveOrderBody>) =>
      send<Order>('POST', `/api/orders/${id(orderId)}/move`, body),
    changePromise: (orderId: string, body: z.input<typeof promiseBody>) =>
      send<Order>('POST', `/api/orders/${id(orderId)}/promise`, body),
    issueLink: (orderId: string) => send<unknown>('POST', `/api/orders/${id(orderId)}/link`),
    revokeLink: (orderId: string) => send<unknown>('DELETE', `/api/orders/${id(orderId)}/link`),

    startMedia: (orderId: string, body: z.input<typeof newMediaBody>) =>
      send<Media>('POST', `/api/orders/${id(orderId)}/media`, body),
    sendMediaChunk: (mediaId: string, offset: number, bytes: Blob) =>
      sendBytes<Media>('PATCH', `/api/media/${id(mediaId)}/content`, bytes, { 'upload-offset': String(offset) }),
    media: (mediaId: string) => get<Media>(`/api/media/${id(mediaId)}`),
    changeMedia: (mediaId: string, visible: boolean) => send<Media>('PATCH', `/api/media/${id(mediaId)}`, { visible }),
    removeMedia: (mediaId: string) => send<void>('DELETE', `/api/media/${id(mediaId)}`),
    retryMedia: (mediaId: string) => send<Media>('POST', `/api/media/${id(mediaId)}/retry`),
    previewUrl: (mediaId: string, preset: 160 | 480 | 1280) => `/api/media/${id(mediaId)}/preview/${preset}`,

    customers: (query: Query, signal?: AbortSignal) =>
      get<{ customers: Customer[] }>(withQuery('/api/customers', query), signal),
    createCustomer: (body: NewCustomer) => send<Customer>('POST', '/api/customers', body),
    changeCustomer: (customerId: string, body: z.input<typeof patchCustomerBody>) =>
      send<Customer>('PATCH', `/api/customers/${id(customerId)}`, body),

    machines: () => get<{ machines: Machine[] }>('/api/machines'),
    machine: (machineId: string) => get<Machine>(`/api/machines/${id(machineId)}`),
    createMachine: (body: z.input<typeof newMachineBody>) => send<MachineCredential>('POST', '/api/machines', body),
    changeMachine: (machineId: string, body: z.input<typeof patchMachineBody>) =>
      send<Machine>('PATCH', `/api/machines/${id(machineId)}`, body),
    rotateCredential: (machineId: string) =>
      send<MachineCredential>('POST', `/api/machines/${id(machineId)}/credential`),
    revokeCredential: (machineId: string) =>
      send<RevokedMachine>('DELETE', `/api/machines/${id(machineId)}/credential`),
    telemetry: (machineId: string, query: { metric: string; from: number; to: number; points: number }) =>
      get<TelemetrySeries>(withQuery(`/api/machines/${id(machineId)}/telemetry`, query)),
    machineStates: (machineId: string, from: number, to: number) =>
      get<StateSpans>(withQuery(`/api/machines/${id(machineId)}/states`, { from, to })),
    machineLog: (machineId: string, query: Query) =>
      get<LogPage>(withQuery(`/api/machines/${id(machineId)}/log`, query)),
    machineLogCsvUrl: (machineId: string, query: Query) => withQuery(`/api/machines/${id(machineId)}/log.csv`, query),
    machineRefusals: (machineId: string) => get<Refusals>(`/api/machines/${id(machineId)}/refusals`),
    refusals: () => get<Refusals>('/api/refusals'),

    settings: () => get<Settings>('/api/settings'),
    saveSettings: (body: z.input<typeof putSettingsBody>) => send<Settings>('PUT', '/api/settings', body),
    licence: () => get<Licence>('/api/licence'),
    sync: () => get<SyncPage>('/api/sync'),
    conflicts: (query: Query = {}) => get<Conflicts>(withQuery('/api/conflicts', query)),
    decideConflict: (id: string, decision: 'keep' | 'restore') =>
      send<ConflictEntry>('POST', `/api/conflicts/${id}/${decision}`),
    retryParked: (seq: number) => send<void>('POST', `/api/sync/parked/${seq}/retry`),
    retryParkedDown: (stream: string, entityId: string) =>
      send<void>('POST', `/api/sync/down/${id(stream)}/${id(entityId)}/retry`),
    bundle: () => get<BundleState>('/api/sync/bundle'),
    makeBundle: () => send<Bundle>('POST', '/api/sync/bundle', undefined, LONG_ANSWER_MAX_MS),
    bundleFileUrl: (bundleId: string) => `/api/sync/bundle/${id(bundleId)}/file`,
    settleBundle: (ack: Blob) => sendBytes<BundleSettled>('POST', '/api/sync/bundle/ack', ack, {}, LONG_ANSWER_MAX_MS),
    orderTrail: (orderId: string) => get<Trail>(`/api/orders/${id(orderId)}/trail`),
    services: () => get<Services>('/api/services'),
  };
}
export type Api = ReturnType<typeof createApi>;
