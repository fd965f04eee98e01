import type { DigestAnswer } from '@sgp/shared/sync-digest';
import type { DigestQuestion } from '@sgp/sync-engine/compare-state';
import type { BucketSum } from '@sgp/sync-engine/digest';
import { createDigestTree, encodeSum, shortOf } from '@sgp/sync-engine/digest';
import type { CoreDisk } from './core.ts';
import { bucketOfEntity, storedOf } from './sums.ts';

/** One round of a comparison, as the Core answers it. */
export function answerDigest(disk: CoreDisk, edge: number, question: DigestQuestion): DigestAnswer {
  const treeOf = (stream: string) =>
    createDigestTree(storedOf(disk.sums, `${edge}/${stream}`) as readonly (BucketSum & { bucket: number })[]);
  if (question.level === 'roots') {
    const differ = question.streams
      .filter(({ stream, root }) => encodeSum(treeOf(stream).root().sum) !== root)
      .map(({ stream }) => stream);
    return { level: 'roots', differ };
  }
  const tree = treeOf(question.stream);
  if (question.level === 'groups') return { level: 'groups', sums: tree.groups().map(encodeSum) };
  if (question.level === 'buckets')
    return {
      level: 'buckets',
      groups: question.groups.map((group) => ({ group, sums: tree.buckets(group).map(encodeSum) })),
    };
  const rows = [...disk.rows].filter(([key]) => key.startsWith(`${edge}/${question.stream}/`)).map(([, row]) => row);
  if (question.level === 'entities')
    return {
      level: 'entities',
      buckets: question.buckets.map((bucket) => ({
        bucket,
        digests: rows
          .filter(({ entityId }) => bucketOfEntity(entityId) === bucket)
          .map(({ digest }) => shortOf(digest)),
      })),
    };
  const asked = rows.filter(({ digest }) => question.digests.includes(shortOf(digest)));
  return {
    level: 'unknown',
    entities: asked.map(({ digest, entityId, version, updatedAt }) => ({
      digest: shortOf(digest),
      entityId,
      version,
      updatedAt,
    })),
  };
}
