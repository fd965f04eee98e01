import { changeHash } from '@sgp/auth/digest';
import type { Database } from '@sgp/service-kit/database';
import { newId } from '@sgp/service-kit/ids';
import type { Json } from '@sgp/shared/canonical-json';
import { type Hlc, hlcTick } from '@sgp/shared/clock';
import type { DownChange, DownStream } from '@sgp/shared/sync-downlink';
import type { Conflict, SharedEntity, Transfer, UserPayload } from '@sgp/shared/sync-payloads';
import type { DownPosition } from '@sgp/sync-engine/downlink-state';
import type { DownStep } from '../../src/inbox/down-inbox.ts';

export const coreEpoch = newId();
const coreNode = 'c0c0c0c0c0c0';

/** A stamp of the Core. */
export const coreStamp = (ms: number): Hlc => hlcTick({ ms: 0, counter: 0 }, ms, coreNode)[1];

/** Changes as the Core numbers them for one establishment. */
export function createDownLog(startMs = 1_760_000_000_000) {
  const changes: DownChange[] = [];
  const versions = new Map<string, number>();
  const add = (stream: DownStream, entityId: string, payload: object, more: Partial<DownChange> = {}): DownChange => {
    const version = (versions.get(entityId) ?? 0) + 1;
    versions.set(entityId, version);
    const seq = changes.length + 1;
    const change: DownChange = {
      seq,
      id: newId(),
      stream,
      entityId,
      version,
      updatedAt: coreStamp(startMs + seq),
      hash: changeHash(payload as Json),
      payload: payload as DownChange['payload'],
      ...more,
    };
    changes.push(change);
    return change;
  };
  return {
    changes,
    add,
    user: (user: UserPayload) => add('users', user.userId, user),
    shared: (entity: SharedEntity) => add(entity.kind === 'block' ? 'blocks' : 'catalogue', entity.entityId, entity),
    transfer: (transfer: Transfer) => add('transfers', transfer.transferId, transfer),
    conflict: (conflict: Conflict) => add('conflicts', conflict.conflictId, conflict),
    /** The answer of the Core that follows a position. */
    step(after: number, upTo = changes.length, epoch = coreEpoch, from: string | null = epoch): DownStep {
      const at = (cursor: number, of: string | null): DownPosition => ({ coreEpoch: of, cursor, signedAtS: cursor });
      return {
        from: at(after, after === 0 && from === epoch ? null : from),
        to: at(upTo, epoch),
        changes: changes.slice(after, upTo),
      };
    },
  };
}

export const material = (
  entityId: string,
  fields: Readonly<Record<string, string | number | boolean | null>>,
  at: Hlc = coreStamp(1_760_000_000_000),
): SharedEntity => ({
  kind: 'catalogue',
  entityId,
  fields: Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, { value, at }])),
});

export const user = (more: Partial<UserPayload> = {}): UserPayload => ({
  userId: newId(),
  login: 'bia',
  name: 'Bia',
  role: 'desk',
  disabled: false,
  ...more,
});

export const transfer = (more: Partial<Transfer>): Transfer => ({
  transferId: newId(),
  fromEstablishmentId: newId(),
  toEstablishmentId: newId(),
  materialId: newId(),
  materialName: 'Lona',
  unit: 'm',
  quantityMilli: 5_000,
  state: 'requested',
  requestedAt: 1,
  sentAt: null,
  receivedAt: null,
  ...more,
});

/** Everything that the downlink writes in a shop, without what is different in each run: times, stamps and new ids. */
export async function downState(db: Database): Promise<unknown> {
  const movements = await db('movements').orderBy('movement_id').select('movement_id', 'kind', 'state', 'version');
  return {
    cursor: await db('inbox_cursor').first('core_epoch', 'cursor', 'signed_at_s'),
    entities: await db('inbox_entities').orderBy(['stream', 'entity_id']),
    parked: await db('inbox_parked').orderBy(['stream', 'entity_id']).select('stream', 'entity_id', 'version', 'code'),
    users: (await db('users').orderBy('user_id').select('user_id', 'login', 'role', 'disabled_at')).map((row) => ({
      ...row,
      disabled_at: row.disabled_at !== null,
    })),
    shared: await db('shared_entities').orderBy(['kind', 'entity_id']),
    movements,
    stock: await db('stock').orderBy('material_id'),
    transfers: await db('transfers').orderBy('transfer_id'),
    conflicts: await db('conflicts').orderBy('conflict_id'),
    said: await db('outbox')
      .where({ stream: 'stock' })
      .orderBy(['entity_id', 'version'])
      .select('entity_id', 'version'),
  };
}
