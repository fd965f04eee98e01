import { sha256Hex } from '@sgp/auth/digest';
import type { Database } from '@sgp/service-kit/database';
import { newId } from '@sgp/service-kit/ids';
import { canonicalJson, type Json } from '@sgp/shared/canonical-json';
import { type Hlc, hlcAfter } from '@sgp/shared/clock';
import type { DownStream } from '@sgp/shared/sync-downlink';
import { mirrorLimits } from '../mirror-limits.ts';

/** Something that an establishment must hear of: the whole entity as it is now. */
export type DownEntry = {
  readonly stream: DownStream;
  readonly entityId: string;
  readonly version: number;
  readonly updatedAt: Hlc;
  readonly payload: object;
  /** Establishment ids, or all of the company. */
  readonly to: readonly string[] | 'all';
};

type Head = { readonly establishmentId: string; readonly seq: number };

/**
 * Takes the company's lock until the transaction ends: what its establishments share is written by one at a time, so that
 * an establishment that is new misses nothing and a number is given once.
 */
export async function lockCompany(tx: Database, companyId: string): Promise<void> {
  await tx('core_companies').insert({ company_id: companyId }).onConflict('company_id').ignore();
  await tx('core_companies').where({ company_id: companyId }).forUpdate().first();
}

/**
 * Writes entries down in the transaction of what caused them, under the company's lock.
 * @returns the establishments that have something new
 */
export async function writeDown(
  tx: Database,
  companyId: string,
  entries: readonly DownEntry[],
  nowMs: number,
): Promise<readonly string[]> {
  if (entries.length === 0) return [];
  const heads: readonly Head[] = await tx('downlink_heads')
    .where({ company_id: companyId })
    .orderBy('establishment_id')
    .forUpdate()
    .select({ establishmentId: 'establishment_id', seq: 'seq' });
  const docs = new Map(entries.map((entry) => [entry, canonicalJson(entry.payload as Json)]));
  const rows = heads.flatMap(({ establishmentId, seq }) =>
    entries
      .filter(({ to }) => to === 'all' || to.includes(establishmentId))
      .map((entry, i) => {
        const doc = docs.get(entry) as string;
        return {
          company_id: companyId,
          establishment_id: establishmentId,
          seq: seq + i + 1,
          change_id: newId(),
          stream: entry.stream,
          entity_id: entry.entityId,
          version: entry.version,
          updated_at: entry.updatedAt,
          hash: sha256Hex(doc),
          written_at: nowMs,
          doc,
        };
      }),
  );
  for (let i = 0; i < rows.length; i += mirrorLimits.rowsPerInsertMax)
    await tx('downlink').insert(rows.slice(i, i + mirrorLimits.rowsPerInsertMax));
  const counts = Map.groupBy(rows, (row) => row.establishment_id);
  for (const [establishmentId, { length }] of counts)
    await tx('downlink_heads')
      .where({ company_id: companyId, establishment_id: establishmentId })
      .increment('seq', length);
  return [...counts.keys()];
}

const versionsSinceMs = Date.UTC(2024, 0, 1);

/** What an edge tells the newer state by; both must grow, or it takes the Core for forked. */
export type Step = { readonly version: number; readonly updatedAt: Hlc };

/**
 * The version and stamp after these. The version follows the seconds of the clock, so that it also grows over a database that was restored
 * from a backup: an edge that knows the lost versions takes the new ones for newer. It fits 32 bits until 2092.
 * The stamp grows also where another replica, or a clock that was ahead, gave the one before.
 */
export const nextStep = (
  before: Step | null | undefined,
  { nowMs, stamp }: { readonly nowMs: number; readonly stamp: Hlc },
): Step => ({
  version: Math.max((before?.version ?? 0) + 1, Math.floor((nowMs - versionsSinceMs) / 1000)),
  updatedAt: hlcAfter(stamp, before?.updatedAt),
});
