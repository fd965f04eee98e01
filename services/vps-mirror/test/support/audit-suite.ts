import { newId } from '@sgp/service-kit/ids';
import type { CompanyAct } from '@sgp/shared/api/company';
import type { TestFn } from 'ava';
import { createActRetention } from '../../src/company/audit-log.ts';
import { companyRoutes } from '../../src/company/company-routes.ts';
import { createTextRetention } from '../../src/ingest/text-retention.ts';
import { mirrorLimits } from '../../src/mirror-limits.ts';
import { openCompany } from './company.ts';
import { openShop } from './company-suite.ts';
import type { DatabaseMaker } from './databases.ts';
import { openListed } from './downlink-suite.ts';
import { createEdge } from './edge.ts';

const dayMs = 24 * 60 * 60_000;

/** A ledger entry of two shops that wrote one field without knowing of each other. */
async function openConflict(bench: Awaited<ReturnType<typeof openListed>>) {
  const { mirror, edge } = bench;
  const { companyId } = edge.record;
  const company = await openCompany(mirror, companyId);
  const shop = await openShop(mirror, edge);
  const sister = await openShop(mirror, bench.enrol(createEdge({ companyId })));
  const stranger = await openShop(mirror, bench.enrol(createEdge({ companyId })));
  const { item } = await company.post('/api/company/catalogue', { name: 'Linha', leadDays: 2 });
  const saw = item.fields.leadDays.at;
  await shop.edit('catalogue', item.entityId, Date.now() + 1_000, { leadDays: { value: 5, saw } }, 'Ana');
  await sister.edit('catalogue', item.entityId, Date.now() + 2_000, { leadDays: { value: 9, saw } }, 'Bia');
  const { conflictId } = (await company.get('/api/company/conflicts')).conflicts[0];
  for (const { reader } of [shop, sister, stranger]) await reader.drain();
  const found = async () => {
    const { conflicts } = await company.get('/api/company/conflicts?state=all');
    return conflicts.find((each: { conflictId: string }) => each.conflictId === conflictId);
  };
  /** What a shop's audit trail tells of a decision. */
  const decided = (of: typeof shop, action: string, who: string) => {
    const entryId = newId();
    return of.push('audit', entryId, {
      entryId,
      at: Date.now(),
      who,
      entity: 'conflict',
      entityId: conflictId,
      action,
    });
  };
  return { company, shop, sister, stranger, conflictId, found, decided };
}

/** What the mirror promises about who changed what, the same on every database. */
export function auditSuite(test: TestFn, makeDatabase: DatabaseMaker): void {
  test.serial('what a shop decided closes the entry at the Core and in the other shop, with who decided', async (t) => {
    await using bench = await openListed(makeDatabase);
    const { shop, sister, stranger, found, decided, conflictId } = await openConflict(bench);
    t.like(await decided(stranger, 'kept', 'Zé'), { outcome: 'applied' });
    t.like(await found(), { resolution: null }, 'a shop that it does not concern decides nothing');
    await decided(shop, 'looked-at', 'Ana');
    t.like(await found(), { resolution: null });
    await decided(shop, 'kept', 'Ana');
    t.like(await found(), { resolution: 'kept', resolvedBy: 'Ana', canRestore: false });
    const heard = await sister.reader.drain();
    t.like(heard.find(({ stream }) => stream === 'conflicts')?.payload, {
      ...{ conflictId, resolution: 'kept', resolvedBy: 'Ana' },
    });
    await decided(sister, 'restored', 'Bia');
    t.like(await found(), { resolution: 'kept', resolvedBy: 'Ana' }, 'the first decision stands');
    t.deepEqual(await sister.reader.drain(), []);
  });

  test.serial('every write of a company leaves one entry: which token, what, before and after', async (t) => {
    await using bench = await openListed(makeDatabase);
    const { company, conflictId, shop, sister } = await openConflict(bench);
    const ids = [shop, sister].map(({ edge }) => edge.record.establishmentId);
    const acts = async (): Promise<CompanyAct[]> => (await company.get('/api/company/audit?limit=200')).acts;
    const before = (await acts()).length;
    const user = await company.post('/api/company/users', { login: 'ana', name: 'Ana', role: 'desk' });
    const users = `/api/company/users/${user.userId}`;
    await company.patch(users, { version: user.version, role: 'manager' });
    const { item } = await company.post('/api/company/catalogue', { name: 'Tinta', priceCents: 500 });
    const price = { value: 600, saw: item.fields.priceCents.at };
    await company.patch(`/api/company/catalogue/${item.entityId}`, { fields: { priceCents: price } });
    const block = { subject: { value: 'material', saw: null }, blocked: { value: true, saw: null } };
    await company.patch(`/api/company/blocks/${item.entityId}`, {
      fields: { ...block, reason: { value: 'mofo', saw: null } },
    });
    const transfer = await company.post('/api/company/transfers', {
      ...{ fromEstablishmentId: ids[0], toEstablishmentId: ids[1], materialId: item.entityId, quantityMilli: 1 },
    });
    await company.post(`/api/company/transfers/${transfer.transferId}/cancel`, {});
    await company.post(`/api/company/conflicts/${conflictId}/keep`, {});
    await company.call('PUT', `/api/company/establishments/${ids[0]}`, { name: 'Matriz' });
    const settings = { webhookUrl: null, emails: [], language: 'en', timeZone: 'America/Sao_Paulo' };
    await company.call('PUT', '/api/company/alerts', settings);
    const { secret } = await company.post('/api/company/alerts/webhook-secret', { rotate: true });
    const window = { establishmentId: null, from: 1, until: Date.now() + 60_000, reason: 'obra' };
    const { maintenanceId } = await company.post('/api/company/maintenance', window);
    await company.call('DELETE', `/api/company/maintenance/${maintenanceId}`);

    const told = (await acts()).slice(0, -before).reverse();
    t.deepEqual(
      told.map(({ entity, action }) => `${entity} ${action}`),
      [
        ...['user created', 'user changed', 'catalogue created', 'catalogue changed', 'block created'],
        ...['transfer requested', 'transfer cancelled', 'conflict kept', 'establishment named', 'alerts changed'],
        ...['alerts secret-rotated', 'maintenance created', 'maintenance removed'],
      ],
    );
    t.true(told.every(({ who }) => who === 'Central'));
    t.like(told[1], { entityId: user.userId, before: { role: 'desk' }, after: { role: 'manager' } });
    t.deepEqual([told[3]?.before, told[3]?.after], [{ priceCents: 500 }, { priceCents: 600 }]);
    t.false(JSON.stringify(told).includes(secret), 'a secret is in no entry');
    const writing = companyRoutes({ ...bench.mirror, clock: bench.mirror.coreClock, now: Date.now }).filter(
      ({ spec }) => spec.access === 'company-write',
    );
    t.is(writing.length, 14, 'a new address that writes must leave an entry too: add it above');

    const first = await company.get('/api/company/audit?limit=5');
    const second = await company.get(`/api/company/audit?limit=5&before=${first.nextBefore}`);
    t.deepEqual([...first.acts, ...second.acts], (await acts()).slice(0, 10));
    const other = await openCompany(bench.mirror);
    t.deepEqual((await other.get('/api/company/audit')).acts, []);
  });

  test.serial('a write that was refused, and a repeat that changed nothing, leave no entry', async (t) => {
    await using bench = await openListed(makeDatabase);
    const { company, conflictId } = await openConflict(bench);
    const count = async (): Promise<number> => (await company.get('/api/company/audit')).acts.length;
    const before = await count();
    await company.call('POST', '/api/company/users', { login: 'ana', name: 'Ana', role: 'owner' });
    await company.call('PATCH', `/api/company/catalogue/${newId()}`, { fields: {} });
    await company.call('DELETE', `/api/company/maintenance/${newId()}`);
    await company.post('/api/company/alerts/webhook-secret', { rotate: false });
    t.is(await count(), before);
    await company.post(`/api/company/conflicts/${conflictId}/keep`, {});
    await company.post(`/api/company/conflicts/${conflictId}/keep`, {});
    t.is(await count(), before + 1);
    await createActRetention(bench.mirror.db).purge(Date.now() + (mirrorLimits.companyAuditKeptDays - 1) * dayMs);
    t.is(await count(), before + 1);
    await createActRetention(bench.mirror.db).purge(Date.now() + (mirrorLimits.companyAuditKeptDays + 1) * dayMs);
    t.is(await count(), 0);
  });

  test.serial(
    'old audit entries and roll-ups lose their text and stay in the comparison; nothing else does',
    async (t) => {
      await using bench = await openListed(makeDatabase);
      const { mirror, edge } = bench;
      const shop = await openShop(mirror, edge);
      const push = async (stream: 'audit' | 'rollups' | 'stock', id: string, payload: object) => {
        t.like(await shop.push(stream, id, payload), { outcome: 'applied' });
        return { id, payload };
      };
      const audit = (entryId = newId()) =>
        push('audit', entryId, { entryId, at: 1, who: 'Ana', entity: 'order', entityId: newId(), action: 'status' });
      const first = await audit();
      await audit();
      const rollupId = newId();
      const hour = { hourStart: 0, samples: 1, logLines: 0, good: 2, scrap: 0, runningMs: 3 };
      await push('rollups', rollupId, { rollupId, machineId: newId(), ...hour });
      const movementId = newId();
      const movement = {
        materialId: newId(),
        kind: 'receipt',
        state: 'posted',
        quantityMilli: 5,
        who: 'Ana',
        reason: '',
      };
      await push('stock', movementId, { movementId, ...movement, at: 1, settledAt: 1 });
      const roots = () => mirror.digests.roots(edge.record, ['audit', 'rollups', 'stock']);
      const texts = async () =>
        Object.fromEntries(
          (await mirror.db('entities').select('stream', 'doc')).map(({ stream, doc }, i) => [`${stream} ${i}`, doc]),
        );
      const kept = async () => Object.values(await texts()).filter((doc) => doc !== '').length;
      const before = await roots();
      const retention = createTextRetention(mirror.db, 1);
      await retention.purge(Date.now() + (mirrorLimits.auditTextKeptDays - 1) * dayMs);
      t.is(await kept(), 4);
      await retention.purge(Date.now() + (mirrorLimits.auditTextKeptDays + 1) * dayMs);
      t.is(await kept(), 3, 'a part in each sweep');
      await retention.purge(Date.now() + (mirrorLimits.rollupTextKeptDays + 1) * dayMs);
      t.is(await kept(), 1, 'a movement is kept for good');
      t.deepEqual(await roots(), before);
      await mirror.digests.recount(edge.record, 'audit', Date.now());
      t.deepEqual(await roots(), before, 'counted anew from the rows');
      t.like(await shop.push('audit', first.id, first.payload), { outcome: 'duplicate' }, 'sent again it is a repeat');
    },
  );
}
