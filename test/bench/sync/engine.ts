import { createHash } from 'node:crypto';
import { type Hlc, hlcTick } from '@sgp/shared/clock';
import type { FieldEdit } from '@sgp/shared/sync-payloads';
import { bucketOf, createDigestTree, entityDigest } from '@sgp/sync-engine/digest';
import { type MergedEntity, mergeEdit } from '@sgp/sync-engine/merge';
import { orders, run, sideOf } from '../../../packages/sync-engine/test/compare-world.ts';

/** The pure parts of the sync, without disk or network. */

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const idOf = (n: number): string => `01900000-0000-7000-8000-${String(n).padStart(12, '0')}`;
const msOf = (work: () => void): number => {
  const from = performance.now();
  work();
  return performance.now() - from;
};

/** Microseconds that a new version of an entity costs in the sums: its digest, its bucket, the old one out, the new one in. */
export function digestUpkeepUs(changes: number): number {
  const tree = createDigestTree();
  const before = Array.from({ length: changes }, (_, n) =>
    entityDigest(sha256, { entityId: idOf(n), version: 1, hash: sha256(String(n)) }),
  );
  for (const [n, digest] of before.entries()) tree.add(bucketOf(sha256, idOf(n)), digest);
  const hash = sha256('next');
  const ms = msOf(() => {
    for (const [n, old] of before.entries()) {
      const entityId = idOf(n);
      const bucket = bucketOf(sha256, entityId);
      tree.remove(bucket, old);
      tree.add(bucket, entityDigest(sha256, { entityId, version: 2, hash }));
    }
  });
  return (ms * 1000) / changes;
}

export type ComparisonFigures = { readonly ms: number; readonly bytes: number; readonly rounds: number };

/**
 * A whole comparison of both sides, the Core's half included, over rows that are in memory with their sums.
 * @param differing orders whose newest version the Core lacks
 */
export function comparison(rows: number, differing: number): () => ComparisonFigures {
  const every = Math.floor(rows / Math.max(1, differing));
  const isBehind = (n: number): boolean => n % every === 0 && n / every < differing;
  const all = Array.from({ length: rows }, (_, n) => ({ n, version: 2 }));
  const edge = orders(sideOf(all));
  const core = orders(sideOf(all.map(({ n }) => ({ n, version: isBehind(n) ? 1 : 2 }))));
  return () => {
    let result: ReturnType<typeof run> | null = null;
    const ms = msOf(() => {
      result = run(edge, core);
    });
    const { requeued, askBytes, answerBytes, asks } = result ?? run(edge, core);
    if (requeued.length !== differing) throw new Error(`${requeued.length} found, ${differing} differ`);
    return { ms, bytes: askBytes + answerBytes, rounds: asks };
  };
}

/** Edits merged in a second, by people of whom each third one does not know what stands. */
export function mergesPerS(edits: number): number {
  const entities = 100;
  const all = Array.from({ length: edits }, (_, i) => editOf(i, entities));
  const standing = new Map<string, MergedEntity>();
  const ms = msOf(() => {
    for (const [i, edit] of all.entries()) {
      const before = standing.get(edit.entityId) ?? null;
      const saw = i % 3 === 0 ? null : (before?.fields['leadDays']?.at ?? null);
      const fields = { leadDays: { value: i % 9, saw } };
      standing.set(edit.entityId, mergeEdit(before, { ...edit, fields }, 'edge', 2e12).entity);
    }
  });
  return Math.round((edits * 1000) / ms);
}

function editOf(i: number, entities: number): FieldEdit {
  const at: Hlc = hlcTick({ ms: 1_700_000_000_000 + i, counter: 0 }, 0, '0000000000aa')[1];
  return { editId: idOf(i), kind: 'catalogue', entityId: idOf(i % entities), at, who: 'Ana', fields: {} };
}
