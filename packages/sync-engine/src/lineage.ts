import { limits } from '@sgp/shared/limits';
import { shortOf } from './digest.ts';

/**
 * From which versions an entity was made (docs/sync-protocol.md §4.1). A disk that was restored gives version numbers
 * anew, so that a higher number and a later stamp do not say that the writer knew what the Core has; the digests do.
 */

/** Short digests: first that of the newest version which was acknowledged before another was written, then the newest others. */
export type Lineage = readonly string[];

export type Forerunner = {
  /** 32 hex digits. */
  readonly digest: string;
  /** The Core acknowledged this very version. */
  readonly settled: boolean;
  /** Null: not known, because it was written before lineages were kept. */
  readonly lineage: Lineage | null;
};

/**
 * The lineage of the version after this one. What was acknowledged is kept however many versions follow it unsent: it is
 * what the Core has then.
 * @param before null for the first version of an entity
 */
export function lineageAfter(before: Forerunner | null): Lineage | null {
  if (before === null) return [];
  const { digest, settled, lineage } = before;
  const short = shortOf(digest);
  if (settled) return [short, ...(lineage ?? []).slice(1 - limits.syncLineageMax)];
  if (lineage === null) return null;
  if (lineage.length < limits.syncLineageMax) return [...lineage, short];
  return [...lineage.slice(0, 1), ...lineage.slice(2), short];
}

/**
 * Does this change take the place of something that its writer did not know? A sender that tells no lineage claims nothing.
 * @param replaced digest of what stood, 32 hex digits; null for nothing
 */
export const isOverwrite = (lineage: Lineage | null | undefined, replaced: string | null): boolean =>
  replaced !== null && lineage != null && !lineage.includes(shortOf(replaced));
