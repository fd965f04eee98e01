import type { Database } from '@sgp/service-kit/database';
import type { EstablishmentSync, Incident } from '@sgp/shared/api/company';
import { contactsOf, type NodeContact, presentOf } from '../alerts/contacts.ts';
import { nameOf } from '../alerts/establishment-names.ts';
import { incidentsOf } from '../alerts/incident-rows.ts';
import { availability } from '../alerts/incident-rules.ts';
import { stateOf } from './sync-state.ts';

const dayMs = 24 * 60 * 60_000;

/** How every establishment of a company is, in the order of their ids. */
export async function companyHealth(
  db: Database,
  companyId: string,
  nowMs: number,
): Promise<readonly EstablishmentSync[]> {
  const contacts = Map.groupBy(await contactsOf(db, companyId), ({ establishmentId }) => establishmentId);
  const facts = await readFacts(db, companyId, [...contacts.values()].flat());
  const incidents = Map.groupBy(
    await incidentsOf(db, companyId, { from: nowMs - 30 * dayMs }),
    ({ establishmentId }) => establishmentId,
  );
  const all: EstablishmentSync[] = [];
  for (const establishmentId of [...new Set([...contacts.keys(), ...facts.heads.keys()])].sort()) {
    const of = { companyId, establishmentId };
    const down = await downOf(db, of, facts.heads.get(establishmentId), contacts.get(establishmentId) ?? []);
    const name = await nameOf(db, companyId, establishmentId);
    all.push(healthOf({ establishmentId, name, down, facts, nowMs }, contacts, incidents.get(establishmentId) ?? []));
  }
  return all;
}

type Head = { readonly seq: number };
type Checkpoint = { readonly skew_ms: number; readonly acked_seq: number };
type Facts = {
  readonly heads: ReadonlyMap<string, Head>;
  readonly checkpoints: ReadonlyMap<string, Checkpoint>;
  readonly firstAt: ReadonlyMap<string, number>;
  readonly downParked: ReadonlyMap<string, number>;
  readonly upParked: ReadonlyMap<string, number>;
  readonly receipts: ReadonlyMap<string, number>;
  readonly conflicts: ReadonlyMap<string, number>;
};

async function readFacts(db: Database, companyId: string, nodes: readonly NodeContact[]): Promise<Facts> {
  const of = { company_id: companyId };
  const ids = nodes.map(({ nodeId }) => nodeId);
  const numbers = async (rows: Promise<readonly { readonly key: string; readonly n: number | string }[]>) =>
    new Map((await rows).map(({ key, n }) => [key, Number(n)]));
  const heads: readonly (Head & { readonly establishment_id: string })[] = await db('downlink_heads').where(of);
  // Of several epochs and channels of a node the last one that was used comes last, and stays.
  const checkpoints: readonly (Checkpoint & { readonly node_id: string })[] = await db('push_checkpoints')
    .whereIn('node_id', ids)
    .orderBy('last_at');
  const open: readonly { readonly establishments: string }[] = await db('conflicts')
    .where(of)
    .whereNull('resolved_at')
    .select('establishments');
  const conflicts = new Map<string, number>();
  for (const { establishments } of open)
    for (const id of JSON.parse(establishments) as string[]) conflicts.set(id, (conflicts.get(id) ?? 0) + 1);
  const byEstablishment = { key: 'establishment_id' } as const;
  return {
    heads: new Map(heads.map((row) => [row.establishment_id, row])),
    checkpoints: new Map(checkpoints.map((row) => [row.node_id, row])),
    conflicts,
    firstAt: await numbers(
      db('node_instances')
        .whereIn('node_id', ids)
        .groupBy('node_id')
        .select({ key: 'node_id', n: db.raw('min(first_at)') }),
    ),
    downParked: await numbers(
      db('downlink_parked')
        .where(of)
        .groupBy('establishment_id')
        .select({ ...byEstablishment, n: db.raw('count(*)') }),
    ),
    upParked: await numbers(
      db('parked_changes')
        .whereIn('node_id', ids)
        .groupBy('node_id')
        .select({ key: 'node_id', n: db.raw('count(*)') }),
    ),
    receipts: await numbers(
      db('sync_receipts')
        .where(of)
        .groupBy('establishment_id')
        .select({ ...byEstablishment, n: db.raw('max(at)') }),
    ),
  };
}

/** How far the nodes of an establishment are with what the Core has for them. */
async function downOf(
  db: Database,
  { companyId, establishmentId }: { readonly companyId: string; readonly establishmentId: string },
  head: Head | undefined,
  nodes: readonly NodeContact[],
): Promise<Pick<EstablishmentSync['down'], 'head' | 'acked' | 'pending' | 'oldestPendingAt'>> {
  const of = { company_id: companyId, establishment_id: establishmentId };
  const present = presentOf(nodes.filter(({ lastAskAt }) => lastAskAt !== null));
  const cursor = present && (await db('downlink_cursors').where({ node_id: present.nodeId }).first('acked_seq'));
  const seq = head?.seq ?? 0;
  const acked = Math.min(cursor?.acked_seq ?? 0, seq);
  const oldest =
    acked < seq
      ? await db('downlink').where(of).where('seq', '>', acked).orderBy('seq').first('written_at')
      : undefined;
  return { head: seq, acked, pending: seq - acked, oldestPendingAt: oldest?.written_at ?? null };
}

function healthOf(
  {
    establishmentId,
    name,
    down,
    facts,
    nowMs,
  }: {
    readonly establishmentId: string;
    readonly name: string | null;
    readonly down: Pick<EstablishmentSync['down'], 'head' | 'acked' | 'pending' | 'oldestPendingAt'>;
    readonly facts: Facts;
    readonly nowMs: number;
  },
  contacts: ReadonlyMap<string, readonly NodeContact[]>,
  incidents: readonly Incident[],
): EstablishmentSync {
  const nodes = contacts.get(establishmentId) ?? [];
  const active = nodes.filter(({ status }) => status === 'active');
  const present = presentOf(active) ?? presentOf(nodes);
  const health = present?.health ?? null;
  const checkpoint = present && facts.checkpoints.get(present.nodeId);
  const openIncident = incidents.find(({ endedAt }) => endedAt === null) ?? null;
  const contactAt = present?.contactAt ?? null;
  const forked = nodes.some((node) => node.forked);
  const downParked = facts.downParked.get(establishmentId) ?? 0;
  const up = {
    lastPushAt: present?.lastPushAt ?? null,
    pending: health?.pendingChanges ?? 0,
    oldestPendingAt: health?.oldestPendingAt ?? null,
    pendingMedia: health?.pendingMedia ?? 0,
    parked: health?.parkedChanges ?? facts.upParked.get(present?.nodeId ?? '') ?? 0,
    ackedSeq: checkpoint?.acked_seq ?? 0,
  };
  const oldest = [up.oldestPendingAt, down.oldestPendingAt].filter((at) => at !== null);
  const state = stateOf(
    {
      ...{ active: nodes.length === 0 || active.length > 0, forked, contactAt, lastPushAt: up.lastPushAt },
      ...{ parked: up.parked + downParked, pending: up.pending + down.pending },
      oldestPendingAt: oldest.length === 0 ? null : Math.min(...oldest),
      outage: openIncident !== null,
    },
    nowMs,
  );
  return {
    ...{ establishmentId, name, state, contactAt, forked, up, openIncident },
    noContactSince: state === 'offline' ? (openIncident?.startedAt ?? contactAt) : null,
    down: { lastAskAt: present?.lastAskAt ?? null, ...down, parked: downParked },
    openConflicts: Math.max(facts.conflicts.get(establishmentId) ?? 0, health?.openConflicts ?? 0),
    clockSkewMs: checkpoint?.skew_ms ?? null,
    diskFreeBytes: health?.diskFreeBytes ?? null,
    diskTotalBytes: health?.diskTotalBytes ?? null,
    version: health?.version ?? null,
    lastReceiptAt: facts.receipts.get(establishmentId) ?? null,
    availability: availabilityOf(nodes, facts, incidents, nowMs),
  };
}

function availabilityOf(
  nodes: readonly NodeContact[],
  facts: Facts,
  incidents: readonly Incident[],
  nowMs: number,
): EstablishmentSync['availability'] {
  const firsts = nodes.map(({ nodeId }) => facts.firstAt.get(nodeId)).filter((at) => at !== undefined);
  const first = firsts.length === 0 ? null : Math.min(...firsts);
  const over = (spanMs: number) =>
    first === null ? null : availability(incidents, { from: Math.max(first, nowMs - spanMs), until: nowMs });
  return { day: over(dayMs), month: over(30 * dayMs) };
}
