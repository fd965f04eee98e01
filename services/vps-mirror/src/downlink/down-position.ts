import type { ChangesAsk } from '@sgp/shared/sync-downlink';

/** The numbering of an establishment's changes: `floor` and below are deleted, `seq` is the newest. */
export type Head = { readonly epoch: string; readonly seq: number; readonly floor: number };

/** What the Core remembers of a node. */
export type Cursor = {
  readonly epoch: string;
  /** Highest number that the Core ever told it. */
  readonly offered: number;
  /** The numbering from which it was led over to `epoch`, with the last number that is common to both. */
  readonly former: { readonly epoch: string; readonly common: number } | null;
};

export type Position =
  /** It is answered after this number, under the present numbering. */
  | { readonly kind: 'present'; readonly after: number }
  /** The Core told it more than it knows: it was restored from a backup, and a new numbering begins after this number. */
  | { readonly kind: 'restored'; readonly after: number }
  /** What it lacks is deleted: a new numbering begins from 1, with everything as it is now. */
  | { readonly kind: 'anew' };

/**
 * From where a node is answered. Numbers mean something only inside their numbering. That a node has more than it was ever
 * told proves that the Core forgot: what it told before is common to both, whatever was written since under the same numbers.
 */
export function positionOf(
  head: Head,
  cursor: Cursor | null,
  { coreEpoch, cursor: has }: Pick<ChangesAsk, 'coreEpoch' | 'cursor'>,
): Position {
  const known = (after: number): Position => (after < head.floor ? { kind: 'anew' } : { kind: 'present', after });
  if (coreEpoch === head.epoch) {
    const offered = cursor?.epoch === coreEpoch ? cursor.offered : 0;
    if (has <= offered) return known(has);
    return offered < head.floor ? { kind: 'anew' } : { kind: 'restored', after: offered };
  }
  if (coreEpoch !== null && coreEpoch === cursor?.epoch) return known(Math.min(has, cursor.offered));
  if (coreEpoch !== null && coreEpoch === cursor?.former?.epoch) return known(Math.min(has, cursor.former.common));
  return known(0);
}
