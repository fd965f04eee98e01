import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { createApiKey } from '@sgp/auth/api-key';
import { changeHash, sha256Hex } from '@sgp/auth/digest';
import { createRequestSigner, type PrivateJwk, type SignatureTag } from '@sgp/auth/http-signature';
import { newId } from '@sgp/service-kit/ids';
import type { NodeRecord } from '@sgp/shared/api/licensing';
import type { Json } from '@sgp/shared/canonical-json';
import { type Hlc, hlcNodeOf } from '@sgp/shared/clock';
import type { OrderSnapshot } from '@sgp/shared/order-snapshot';
import type { Change, PushBatchV1, PushBatchV2, StreamName } from '@sgp/shared/sync';
import type { Hello } from '@sgp/shared/sync-hello';

/** A node of a shop, as the license service knows it, that signs real requests. */
export type Edge = {
  readonly record: NodeRecord;
  readonly apiKey: string;
  readonly privateJwk: PrivateJwk;
  readonly epoch: string;
  /** Signs a call with everything right unless `change` says otherwise. */
  sign(call: SignedCall): Promise<Record<string, string>>;
};
export type SignedCall = {
  readonly authority: string;
  readonly path: string;
  readonly body: Uint8Array;
  readonly method?: string;
  readonly contentType?: string;
  readonly contentEncoding?: 'gzip';
  readonly idempotencyKey?: string;
  readonly nowMs?: number;
  readonly tag?: SignatureTag;
  readonly keyId?: string;
  readonly privateJwk?: PrivateJwk;
};

export const newIdempotencyKey = (): string => randomBytes(18).toString('base64url');
export const newPrivateJwk = (): PrivateJwk =>
  generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }) as PrivateJwk;

export function createEdge(tenant: { readonly companyId?: string; readonly establishmentId?: string } = {}): Edge {
  const shortId = randomBytes(6).toString('hex');
  const { apiKey, hash } = createApiKey(shortId);
  const privateJwk = newPrivateJwk();
  const { d: _, ...publicJwk } = privateJwk;
  const keyId = `nk_${randomBytes(9).toString('base64url')}`;
  const record: NodeRecord = {
    nodeId: newId(),
    shortId,
    companyId: tenant.companyId ?? newId(),
    establishmentId: tenant.establishmentId ?? newId(),
    status: 'active',
    apiKeyHashes: [hash],
    keys: [{ keyId, publicJwk: { kty: 'OKP', crv: 'Ed25519', x: publicJwk.x } }],
    licenceActive: true,
  };
  return {
    record,
    apiKey,
    privateJwk,
    epoch: newId(),
    sign({ authority, path, body, method = 'POST', contentType = 'application/json', contentEncoding, ...rest }) {
      const signer = createRequestSigner({
        shortId,
        apiKey,
        keyId: rest.keyId ?? keyId,
        privateJwk: rest.privateJwk ?? privateJwk,
        authority,
        tag: rest.tag ?? 'snapshot-push/1',
      });
      return signer.sign({
        method,
        path,
        contentType,
        ...(contentEncoding && { contentEncoding }),
        body,
        idempotencyKey: rest.idempotencyKey ?? newIdempotencyKey(),
        nowMs: rest.nowMs ?? Date.now(),
      });
    },
  };
}

/** A stamp that sorts by `ms`, then `counter`. */
export const stampAt = (ms: number, nodeId: string, counter = 0): Hlc =>
  `${String(ms).padStart(14, '0')}-${counter.toString(16).padStart(4, '0')}-${hlcNodeOf(nodeId)}` as Hlc;

export type SnapshotOverrides = Partial<OrderSnapshot>;

/** A snapshot with every member, of the edge's own establishment. */
export function snapshotOf(edge: Edge, overrides: SnapshotOverrides = {}): OrderSnapshot {
  const { companyId, establishmentId, nodeId } = edge.record;
  const version = overrides.version ?? 1;
  return {
    schemaVersion: 1,
    companyId,
    establishmentId,
    originNodeId: nodeId,
    orderId: newId(),
    version,
    updatedAt: stampAt(1_763_768_193_000 + version, nodeId),
    number: '2847',
    customer: { customerId: newId(), firstName: 'Ana' },
    status: 'received',
    stage: { key: 'arte', label: 'Arte final' },
    items: [{ itemId: newId(), description: 'Camiseta bordada', quantity: 12, unit: 'un' }],
    dates: { createdAt: '2026-11-20T12:00:00Z', promisedAt: '2026-11-25T20:00:00Z', promiseChanges: [] },
    timeline: [{ status: 'received', at: '2026-11-20T12:00:00Z' }],
    money: { totalCents: 123_450, paidCents: 50_000, currency: 'BRL' },
    media: [],
    tracking: null,
    shop: { name: 'Bordados da Ana', phone: '+551133334444', timeZone: 'America/Sao_Paulo' },
    ...overrides,
  };
}

/** A link's token with the `tracking` member that the snapshot carries. */
export function newLink(expiresAt: string | null = null): {
  readonly token: string;
  readonly tracking: NonNullable<OrderSnapshot['tracking']>;
} {
  const token = randomBytes(16).toString('base64url');
  return { token, tracking: { tokenHash: sha256Hex(token), expiresAt } };
}

export function changeOf(snapshot: OrderSnapshot, seq: number): Change {
  return {
    seq,
    id: newId(),
    stream: 'orders',
    entityId: snapshot.orderId,
    version: snapshot.version,
    parentVersion: snapshot.version - 1,
    updatedAt: snapshot.updatedAt,
    op: 'upsert',
    payload: snapshot as unknown as Change['payload'],
    hash: changeHash(snapshot as unknown as Json),
  };
}

export function batchOf(
  edge: Edge,
  pushSeq: number,
  changes: readonly Change[],
  overrides: Partial<PushBatchV1> = {},
): PushBatchV1 {
  const { companyId, establishmentId, nodeId } = edge.record;
  return {
    schemaVersion: 1,
    companyId,
    establishmentId,
    nodeId,
    epoch: edge.epoch,
    pushSeq,
    lowWaterSeq: 0,
    sentAtMs: Date.now(),
    changes: [...changes],
    ...overrides,
  };
}

/** One start of the edge's bridge. */
export type Instance = Pick<Hello, 'epoch' | 'generation' | 'instanceId'>;
export const newInstance = (edge: Edge, overrides: Partial<Instance> = {}): Instance => ({
  epoch: edge.epoch,
  generation: 1,
  instanceId: newId(),
  ...overrides,
});

const whoOf = ({ record: { companyId, establishmentId, nodeId } }: Edge) => ({ companyId, establishmentId, nodeId });

export function helloOf(edge: Edge, instance: Instance, overrides: Partial<Hello> = {}): Hello {
  return {
    schemaVersion: 2,
    ...whoOf(edge),
    ...instance,
    parentEpoch: null,
    lastSeq: 0,
    ackedSeq: 0,
    superseded: null,
    sentAtMs: Date.now(),
    ...overrides,
  };
}

export function batchV2Of(
  edge: Edge,
  instance: Instance,
  at: { readonly channel?: number; readonly pushSeq: number },
  changes: readonly Change[],
  overrides: Partial<PushBatchV2> = {},
): PushBatchV2 {
  return {
    schemaVersion: 2,
    ...whoOf(edge),
    ...instance,
    channel: at.channel ?? 0,
    pushSeq: at.pushSeq,
    lowWaterSeq: 0,
    sentAtMs: Date.now(),
    changes: [...changes],
    ...overrides,
  };
}

/** A change of any stream; `updatedAt` grows with the version. */
export function streamChange(
  edge: Edge,
  stream: StreamName,
  seq: number,
  {
    entityId,
    payload,
    version = 1,
  }: { readonly entityId: string; readonly payload: object; readonly version?: number },
): Change {
  return {
    ...{ seq, id: newId(), stream, entityId, version, parentVersion: version - 1, op: 'upsert' },
    updatedAt: stampAt(1_763_768_193_000 + version, edge.record.nodeId),
    payload: payload as Change['payload'],
    hash: changeHash(payload as Json),
  };
}

export const encode = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
export const encodeGzip = (value: unknown): Buffer => gzipSync(encode(value));
