import { verifyCoreDocument } from '@sgp/auth/core-document';
import { publicSigningKey } from '@sgp/auth/signing-key';
import {
  type ChangesAsk,
  type ChangesClaims,
  changesAnswerSchema,
  changesClaimsSchema,
  changesPath,
  type DownChange,
} from '@sgp/shared/sync-downlink';
import { answerFault } from '@sgp/sync-engine/downlink';
import type { DownPosition } from '@sgp/sync-engine/downlink-state';
import { type DownRow, decide } from '@sgp/sync-engine/inbox-down';
import type { Edge } from './edge.ts';
import { type Answer, call, type Mirror } from './mirror.ts';

/** An edge's end of the downlink, by the rules of the engine, in memory. */
export type DownReader = {
  position: DownPosition;
  readonly rows: Map<string, DownRow & Pick<DownChange, 'payload'>>;
  /** One call; throws when the answer is none that an edge takes. Its changes are applied unless it is lost. */
  ask(options?: AskOptions): Promise<ChangesClaims>;
  /** Asks until nothing comes. */
  drain(): Promise<readonly DownChange[]>;
  /** What a backup of the edge holds, and its restoration. */
  backup(): () => void;
};
export type AskOptions = {
  readonly waitMs?: number;
  readonly parked?: ChangesAsk['parked'];
  readonly lost?: boolean;
  readonly mirror?: Mirror;
};

export function askOf(edge: Edge, overrides: Partial<ChangesAsk> = {}): ChangesAsk {
  const { companyId, establishmentId, nodeId } = edge.record;
  return {
    ...{ schemaVersion: 2, companyId, establishmentId, nodeId, coreEpoch: null, cursor: 0, waitMs: 0 },
    ...{ parked: [], sentAtMs: Date.now() },
    ...overrides,
  };
}

export const askChanges = (mirror: Mirror, edge: Edge, overrides: Partial<ChangesAsk> = {}): Promise<Answer> =>
  call({ mirror, edge }, changesPath, askOf(edge, overrides), { tag: 'changes/1' });

export async function claimsOf(mirror: Mirror, edge: Edge, answer: Answer): Promise<ChangesClaims> {
  if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text}`);
  const { signed } = changesAnswerSchema.parse(answer.json);
  const keyset = { keys: [{ ...publicSigningKey(mirror.syncKey), purpose: 'sync' as const }] };
  const expected = { typ: 'sync-changes+jwt', nodeId: edge.record.nodeId, nowMs: Date.now() } as const;
  return changesClaimsSchema.parse(await verifyCoreDocument(signed, keyset, expected));
}

export function createDownReader(mirror: Mirror, edge: Edge): DownReader {
  const rows: DownReader['rows'] = new Map();
  const apply = (claims: ChangesClaims): void => {
    for (const { stream, entityId, version, updatedAt, hash, payload } of claims.changes) {
      const key = `${stream}/${entityId}`;
      const candidate = { version, updatedAt, hash, coreEpoch: claims.coreEpoch };
      const { outcome } = decide(rows.get(key) ?? null, candidate);
      if (outcome === 'parked') throw new Error(`${key} version ${version} does not follow what is here`);
      if (outcome === 'applied') rows.set(key, { ...candidate, payload });
    }
    const cursor = claims.after + claims.changes.length;
    reader.position = { coreEpoch: claims.coreEpoch, cursor, signedAtS: claims.iat };
  };
  const reader: DownReader = {
    position: { coreEpoch: null, cursor: 0, signedAtS: 0 },
    rows,
    async ask({ waitMs = 0, parked = [], lost = false, mirror: at = mirror } = {}) {
      const { coreEpoch, cursor } = reader.position;
      const claims = await claimsOf(at, edge, await askChanges(at, edge, { coreEpoch, cursor, waitMs, parked }));
      const fault = answerFault(reader.position, claims);
      if (fault !== null) throw new Error(fault);
      if (!lost) apply(claims);
      return claims;
    },
    async drain() {
      const all: DownChange[] = [];
      for (;;) {
        const before = reader.position;
        const { changes } = await reader.ask();
        all.push(...changes);
        if (changes.length === 0 && before.coreEpoch === reader.position.coreEpoch) return all;
      }
    },
    backup() {
      const [position, kept] = [reader.position, new Map(rows)];
      return () => {
        reader.position = position;
        rows.clear();
        for (const [key, row] of kept) rows.set(key, row);
      };
    },
  };
  return reader;
}
