import type { EntityKey } from './ports.ts';

export type BatchBudget = { readonly maxChanges: number; readonly maxBytes: number };

export const entityKeyText = ({ stream, entityId }: EntityKey): string => `${stream}/${entityId}`;

/**
 * Picks a batch from rows that come newest first, taking only the newest row of each entity: the others are acknowledged
 * with it (compaction). One change is always taken, however large, so that the queue cannot stand still.
 */
export function createBatchPicker<Row extends EntityKey & { readonly payload: string }>(
  budget: BatchBudget,
): { readonly picked: readonly Row[]; readonly full: boolean; offer(row: Row): void } {
  const picked: Row[] = [];
  const seen = new Set<string>();
  let bytes = 0;
  let full = false;
  return {
    picked,
    get full() {
      return full;
    },
    offer(row) {
      const key = entityKeyText(row);
      if (full || seen.has(key)) return;
      if (picked.length > 0 && bytes + row.payload.length > budget.maxBytes) {
        full = true;
        return;
      }
      seen.add(key);
      picked.push(row);
      bytes += row.payload.length;
      full = picked.length >= budget.maxChanges;
    },
  };
}
