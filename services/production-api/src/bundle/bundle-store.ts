import type { Database } from '@sgp/service-kit/database';
import { limits } from '@sgp/shared/limits';

/** A file of pushes that this shop wrote. Times in ms since 1970. */
export type WrittenBundle = {
  readonly bundleId: string;
  readonly createdAt: number;
  readonly fileName: string;
  readonly batches: number;
  readonly changes: number;
  readonly bytes: number;
  readonly complete: boolean;
};

export type KnownBundle = WrittenBundle & {
  readonly settledAt: number | null;
  readonly settled: number | null;
  readonly parked: number | null;
};

/** Remembers the files that were written: only the answer to one of them is taken in. */
export type BundleStore = {
  add(tx: Database, bundle: WrittenBundle): Promise<void>;
  find(db: Database, bundleId: string): Promise<KnownBundle | null>;
  newest(db: Database): Promise<KnownBundle | null>;
  /** Adds to what an earlier answer settled: the same one may be taken in again, after a crash half-way as well. */
  noteSettled(
    tx: Database,
    bundleId: string,
    what: { readonly at: number; readonly settled: number; readonly parked: number },
  ): Promise<void>;
};

export function createBundleStore(): BundleStore {
  return {
    async add(tx, { bundleId, createdAt, fileName, ...figures }) {
      await tx('bundles').insert({
        ...{ bundle_id: bundleId, created_at: createdAt, file_name: fileName },
        ...figures,
      });
      const kept = tx('bundles').orderBy('created_at', 'desc').limit(limits.bundlesKeptMax).select('bundle_id');
      await tx('bundles').whereNotIn('bundle_id', kept).delete();
    },
    async find(db, bundleId) {
      const row = await db('bundles').where({ bundle_id: bundleId }).first();
      return row ? toBundle(row) : null;
    },
    async newest(db) {
      const row = await db('bundles').orderBy('created_at', 'desc').first();
      return row ? toBundle(row) : null;
    },
    async noteSettled(tx, bundleId, { at, settled, parked }) {
      await tx('bundles')
        .where({ bundle_id: bundleId })
        .update({
          settled_at: at,
          settled: tx.raw('coalesce(settled, 0) + ?', [settled]),
          parked: tx.raw('coalesce(parked, 0) + ?', [parked]),
        });
    },
  };
}

type Row = {
  readonly bundle_id: string;
  readonly created_at: number;
  readonly file_name: string;
  readonly batches: number;
  readonly changes: number;
  readonly bytes: number;
  readonly complete: number | boolean;
  readonly settled_at: number | null;
  readonly settled: number | null;
  readonly parked: number | null;
};

const toBundle = ({ bundle_id, created_at, file_name, settled_at, complete, ...figures }: Row): KnownBundle => ({
  ...figures,
  bundleId: bundle_id,
  createdAt: created_at,
  fileName: file_name,
  settledAt: settled_at,
  complete: Boolean(complete),
});
