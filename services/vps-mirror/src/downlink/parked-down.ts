import type { Database } from '@sgp/service-kit/database';
import type { ChangesAsk } from '@sgp/shared/sync-downlink';

type Row = {
  readonly stream: string;
  readonly entity_id: string;
  readonly version: number;
  readonly change_id: string;
};

/**
 * Stores what an edge could not apply, and forgets what it can by now. Only what was really written down is kept: a node
 * cannot fill the table with what it invents.
 */
export async function noteParked(tx: Database, ask: ChangesAsk, nowMs: number): Promise<void> {
  const of = { company_id: ask.companyId, establishment_id: ask.establishmentId };
  const told = new Map(ask.parked.map((each) => [each.id, each]));
  if (told.size > 0) {
    const written: readonly (Row & { readonly seq: number })[] = await tx('downlink')
      .where(of)
      .whereIn(
        'seq',
        ask.parked.map(({ seq }) => seq),
      )
      .orderBy('seq')
      .select('seq', 'change_id', 'stream', 'entity_id', 'version');
    const rows = written
      .filter(({ seq, change_id }) => told.get(change_id)?.seq === seq)
      .map(({ change_id, stream, entity_id, version }) => {
        const { code, detail } = told.get(change_id) as ChangesAsk['parked'][number];
        return { ...of, stream, entity_id, version, code, detail, parked_at: nowMs };
      });
    const newest = [...new Map(rows.map((row) => [`${row.stream}/${row.entity_id}`, row])).values()];
    if (newest.length > 0)
      await tx('downlink_parked')
        .insert(newest)
        .onConflict(['company_id', 'establishment_id', 'stream', 'entity_id'])
        .merge();
  }
  for (const { stream, entityId, version } of ask.applied ?? [])
    await tx('downlink_parked')
      .where({ ...of, stream, entity_id: entityId })
      .where('version', '<=', version)
      .delete();
  await forgetApplied(tx, of, ask, told);
}

/** A newer version of a parked entity that the edge has and did not park took its place. */
async function forgetApplied(
  tx: Database,
  of: { readonly company_id: string; readonly establishment_id: string },
  ask: ChangesAsk,
  told: ReadonlyMap<string, unknown>,
): Promise<void> {
  const parked: readonly Row[] = await tx('downlink_parked').where(of).select('stream', 'entity_id', 'version');
  if (parked.length === 0) return;
  const later: readonly Row[] = await tx('downlink')
    .where(of)
    .where('seq', '<=', ask.cursor)
    .whereIn(
      'entity_id',
      parked.map(({ entity_id }) => entity_id),
    )
    .select('change_id', 'stream', 'entity_id', 'version');
  for (const { stream, entity_id, version } of parked) {
    const isApplied = later.some(
      (row) =>
        row.stream === stream && row.entity_id === entity_id && row.version > version && !told.has(row.change_id),
    );
    if (isApplied)
      await tx('downlink_parked')
        .where({ ...of, stream, entity_id })
        .delete();
  }
}
