import { newId } from '@sgp/service-kit/ids';
import { streamRules } from '@sgp/shared/sync';
import type { Transfer } from '@sgp/shared/sync-payloads';
import type { TestFn } from 'ava';
import { companyRoutes } from '../../src/company/company-routes.ts';
import { openCompany, operatorCall, sendJson } from './company.ts';
import type { DatabaseMaker } from './databases.ts';
import { createDownReader } from './down-reader.ts';
import { openListed } from './downlink-suite.ts';
import { batchV2Of, createEdge, type Edge, helloOf, newInstance, stampAt, streamChange } from './edge.ts';
import { ackOf, call, type Mirror, testOperatorToken } from './mirror.ts';

/** An edge that said hello, pushes shared things and reads the downlink. */
export async function openShop(mirror: Mirror, edge: Edge) {
  const instance = newInstance(edge);
  await call({ mirror, edge }, '/internal/sync/hello', helloOf(edge, instance));
  const reader = createDownReader(mirror, edge);
  await reader.drain();
  let seq = 0;
  return {
    edge,
    reader,
    async push(
      stream: 'edits' | 'blocks' | 'stock' | 'audit' | 'rollups',
      entityId: string,
      payload: object,
      version = 1,
    ) {
      seq += 1;
      const change = streamChange(edge, stream, seq, { entityId, payload, version });
      const batch = batchV2Of(edge, instance, { pushSeq: seq }, [change]);
      return ackOf(await call({ mirror, edge }, streamRules[stream].path, batch)).results[0];
    },
    /** One edit of one field, at a time in ms. */
    edit(kind: 'catalogue' | 'block', entityId: string, atMs: number, fields: object, who = 'Ana') {
      const editId = newId();
      const payload = { editId, kind, entityId, at: stampAt(atMs, edge.record.nodeId), who, fields };
      return this.push(kind === 'block' ? 'blocks' : 'edits', editId, payload);
    },
  };
}

/** What the mirror promises to a company, the same on every database. */
export function companySuite(test: TestFn, makeDatabase: DatabaseMaker): void {
  test.serial('only a valid token of the scope is let in, and it is stored as a hash alone', async (t) => {
    await using bench = await openListed(makeDatabase);
    const { mirror, edge } = bench;
    const { companyId } = edge.record;
    const path = `/api/core/companies/${companyId}/tokens`;
    const made = await operatorCall(mirror, 'POST', path, { name: 'ERP', scope: 'read' });
    t.is(made.status, 201);
    const { token, tokenId } = made.json;
    const get = (given: string) => sendJson(mirror, given, 'GET', '/api/company/users');
    t.is((await get(token)).status, 200);
    for (const wrong of ['', 'x', `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`, `sgp_co_${tokenId}_`])
      t.like(await get(wrong), { status: 401, code: 'TOKEN_INVALID' });
    const write = await sendJson(mirror, token, 'POST', '/api/company/users', {
      login: 'ana',
      name: 'A',
      role: 'desk',
    });
    t.like(write, { status: 403, code: 'SCOPE_MISSING' });
    const stored = JSON.stringify(await mirror.db('company_tokens'));
    t.false(stored.includes(token) || stored.includes(token.slice(-43)));
    const listed = await operatorCall(mirror, 'GET', path);
    t.like(listed.json.tokens[0], { tokenId, name: 'ERP', scope: 'read' });
    t.false(listed.text.includes(token.slice(-43)));
    mirror.clock.offsetMs = 181 * 24 * 60 * 60_000;
    t.like(await get(token), { code: 'TOKEN_INVALID' }, 'a token ends');
    mirror.clock.offsetMs = 0;
    t.like(await operatorCall(mirror, 'DELETE', `/api/core/companies/${newId()}/tokens/${tokenId}`), { status: 404 });
    t.is((await get(token)).status, 200);
    t.is((await operatorCall(mirror, 'DELETE', `${path}/${tokenId}`)).status, 204);
    t.like(await get(token), { code: 'TOKEN_INVALID' }, 'a revoked token ends at once');
    t.like(await sendJson(mirror, token, 'GET', path), { code: 'TOKEN_INVALID' }, 'and it is none of the vendor');
  });

  test.serial('every address of a company wants a token, and what writes wants one that may write', async (t) => {
    await using bench = await openListed(makeDatabase);
    const { mirror } = bench;
    const { token } = await openCompany(mirror, newId(), 'read');
    const routes = companyRoutes({ ...mirror, clock: mirror.coreClock, now: Date.now });
    t.true(routes.length >= 20);
    for (const { spec } of routes) {
      const path = spec.path.replace(':id', newId());
      const body = spec.body ? {} : undefined;
      t.is((await sendJson(mirror, 'none', spec.method, path, body)).code, 'TOKEN_INVALID', path);
      t.is((await sendJson(mirror, testOperatorToken, spec.method, path, body)).code, 'TOKEN_INVALID', path);
      const { code } = await sendJson(mirror, token, spec.method, path, body);
      const mayWrite = spec.method !== 'GET';
      t.is(spec.access, mayWrite ? 'company-write' : 'company-read', path);
      t.is(code, mayWrite ? 'SCOPE_MISSING' : undefined, path);
      // Wrong credentials of one address are counted, and this test sends many.
      mirror.clock.offsetMs += 61_000;
    }
  });

  test.serial('a thing of another company is not found, and nothing of it is listed', async (t) => {
    await using bench = await openListed(makeDatabase);
    const { mirror } = bench;
    const [mine, other] = [await openCompany(mirror), await openCompany(mirror)];
    const user = await mine.post('/api/company/users', { login: 'ana', name: 'Ana', role: 'desk' });
    const { item } = await mine.post('/api/company/catalogue', { name: 'Linha' });
    const foreign = [
      await other.call('PATCH', `/api/company/users/${user.userId}`, { version: user.version, disabled: true }),
      await other.call('PATCH', `/api/company/catalogue/${item.entityId}`, { fields: {} }),
      await other.call('POST', `/api/company/transfers/${newId()}/cancel`),
      await other.call('POST', `/api/company/conflicts/${newId()}/keep`),
      await other.call('POST', '/api/company/transfers', {
        ...{ fromEstablishmentId: newId(), toEstablishmentId: newId(), materialId: item.entityId, quantityMilli: 1 },
      }),
    ];
    for (const answer of foreign) t.like(answer, { status: 404, code: 'NOT_FOUND' });
    t.deepEqual((await other.get('/api/company/users')).users, []);
    t.deepEqual((await other.get('/api/company/catalogue')).items, []);
    t.is((await other.post('/api/company/users', { login: 'ana', name: 'Ana', role: 'desk' })).login, 'ana');
  });

  test.serial('people go down whole; a stale version, a taken login and an owner are refused', async (t) => {
    await using bench = await openListed(makeDatabase);
    const { mirror, edge } = bench;
    const company = await openCompany(mirror, edge.record.companyId);
    const shop = await openShop(mirror, edge);
    const ana = await company.post('/api/company/users', { login: 'Ana.Souza', name: 'Ana', role: 'desk' });
    const path = `/api/company/users/${ana.userId}`;
    const changed = await company.patch(path, { version: ana.version, role: 'manager', disabled: true });
    t.true(changed.version > ana.version);
    const refused = [
      [await company.call('PATCH', path, { version: ana.version, name: 'Bia' }), 'VERSION_CONFLICT'],
      [
        await company.call('POST', '/api/company/users', { login: 'ana.souza', name: 'B', role: 'desk' }),
        'ALREADY_EXISTS',
      ],
      [await company.call('POST', '/api/company/users', { login: 'bia', name: 'B', role: 'owner' }), 'BODY_INVALID'],
      [await company.call('PATCH', path, { version: changed.version, role: 'owner' }), 'BODY_INVALID'],
    ] as const;
    for (const [answer, code] of refused) t.is(answer.code, code);
    const heard = await shop.reader.drain();
    t.deepEqual(
      heard.map(({ payload }) => payload),
      [
        { userId: ana.userId, login: 'ana.souza', name: 'Ana', role: 'desk', disabled: false },
        { userId: ana.userId, login: 'ana.souza', name: 'Ana', role: 'manager', disabled: true },
      ],
    );
    t.deepEqual((await company.get('/api/company/users')).users, [changed]);
  });

  test.serial(
    'an item is merged field by field; what the shop owns is refused, and no stamp of the future',
    async (t) => {
      await using bench = await openListed(makeDatabase);
      const { mirror, edge } = bench;
      const company = await openCompany(mirror, edge.record.companyId);
      const shop = await openShop(mirror, edge);
      const { item } = await company.post('/api/company/catalogue', { name: 'Linha', unit: 'un', priceCents: 500 });
      const path = `/api/company/catalogue/${item.entityId}`;
      const saw = item.fields.priceCents.at;
      const priced = await company.patch(path, { fields: { priceCents: { value: 600, saw } } });
      t.deepEqual(priced.conflicts, []);
      t.is(priced.item.fields.name.at, item.fields.name.at, 'other fields stay as they are');
      const late = await company.patch(path, { fields: { priceCents: { value: 700, saw } } });
      t.is(late.item.fields.priceCents.value, 700);
      t.like(late.conflicts, [
        { field: 'priceCents', loser: { text: '600', who: 'Central' }, canRestore: true },
      ] as never);
      const future = stampAt(Date.now() + 3_600_000, newId());
      for (const [fields, code] of [
        [{ place: { value: 'A1', saw: null } }, 'SCOPE_MISSING'],
        [{ color: { value: 'red', saw: null } }, 'BODY_INVALID'],
        [{ priceCents: { value: 'much', saw: null } }, 'BODY_INVALID'],
        [{ priceCents: { value: 1, saw: future } }, 'BODY_INVALID'],
        [{}, 'BODY_INVALID'],
      ] as const)
        t.is((await company.call('PATCH', path, { fields })).code, code);
      const heard = await shop.reader.drain();
      t.is(heard.filter(({ stream }) => stream === 'catalogue').length, 3);
      t.like(heard.findLast(({ stream }) => stream === 'catalogue')?.payload, {
        fields: { priceCents: { value: 700 } },
      } as never);
      const first = await company.get('/api/company/catalogue?limit=1');
      t.deepEqual([first.items.length, first.nextAfter], [1, null]);
    },
  );

  test.serial(
    'a write of the shop that loses is listed for it and at the Core, and can be restored there once',
    async (t) => {
      await using bench = await openListed(makeDatabase);
      const { mirror, edge } = bench;
      const { companyId } = edge.record;
      const company = await openCompany(mirror, companyId);
      const shop = await openShop(mirror, edge);
      const sister = await openShop(mirror, bench.enrol(createEdge({ companyId })));
      const { item } = await company.post('/api/company/catalogue', { name: 'Linha', leadDays: 2 });
      await Promise.all([shop.reader.drain(), sister.reader.drain()]);
      const saw = item.fields.leadDays.at;
      const now = Date.now();
      await shop.edit('catalogue', item.entityId, now + 1_000, { leadDays: { value: 5, saw } }, 'Ana');
      await sister.edit('catalogue', item.entityId, now + 2_000, { leadDays: { value: 9, saw } }, 'Bia');
      const { conflicts, open } = await company.get('/api/company/conflicts');
      t.is(open, 1);
      const [conflict] = conflicts;
      t.like(conflict, { field: 'leadDays', name: 'Linha', loser: { text: '5', who: 'Ana' }, winner: { text: '9' } });
      const both = [edge, sister.edge].map(({ record }) => record.establishmentId).sort();
      t.deepEqual(conflict.establishmentIds, both);
      for (const { reader } of [shop, sister]) {
        const heard = await reader.drain();
        t.like(heard.find(({ stream }) => stream === 'conflicts')?.payload, { conflictId: conflict.conflictId });
      }
      mirror.clock.offsetMs = 5_000;
      const path = `/api/company/conflicts/${conflict.conflictId}`;
      t.like(await company.post(`${path}/restore`, {}), { resolution: 'restored', canRestore: false });
      t.like(await company.post(`${path}/restore`, {}), { resolution: 'restored' }, 'once more is the same');
      t.is((await company.call('POST', `${path}/keep`)).code, 'CONFLICT_RESOLVED');
      for (const { reader } of [shop, sister]) {
        const heard = await reader.drain();
        t.like(heard.find(({ stream }) => stream === 'catalogue')?.payload, {
          fields: { leadDays: { value: 5 } },
        } as never);
        t.like(
          heard.filter(({ stream }) => stream === 'conflicts').map(({ payload }) => payload),
          [{ conflictId: conflict.conflictId, resolution: 'restored' }] as never,
        );
      }
      t.is((await company.get('/api/company/conflicts')).open, 0);
      t.is((await company.get('/api/company/conflicts?state=all')).conflicts.length, 1);
    },
  );

  test.serial('a price that the shop writes loses, is listed, and can be kept or restored', async (t) => {
    await using bench = await openListed(makeDatabase);
    const { mirror, edge } = bench;
    const company = await openCompany(mirror, edge.record.companyId);
    const shop = await openShop(mirror, edge);
    const { item } = await company.post('/api/company/catalogue', { name: 'Linha', priceCents: 500 });
    for (const [value, at] of [
      [600, 1_000],
      [700, 2_000],
    ] as const)
      await shop.edit('catalogue', item.entityId, Date.now() + at, { priceCents: { value, saw: null } });
    const { conflicts } = await company.get('/api/company/conflicts');
    t.deepEqual(conflicts.map((each: { loser: { text: string } }) => each.loser.text).sort(), ['600', '700']);
    const [first, second] = conflicts;
    t.like(await company.post(`/api/company/conflicts/${first.conflictId}/keep`, {}), { resolution: 'kept' });
    mirror.clock.offsetMs = 5_000;
    await company.post(`/api/company/conflicts/${second.conflictId}/restore`, {});
    const { items } = await company.get('/api/company/catalogue');
    t.is(String(items[0].fields.priceCents.value), second.loser.text);
  });

  test.serial('a block of the Core wins over an unblock that did not know of it', async (t) => {
    await using bench = await openListed(makeDatabase);
    const { mirror, edge } = bench;
    const company = await openCompany(mirror, edge.record.companyId);
    const shop = await openShop(mirror, edge);
    const id = newId();
    const block = { blocked: { value: true, saw: null }, reason: { value: 'não paga', saw: null } };
    await company.patch(`/api/company/blocks/${id}`, {
      fields: { ...block, subject: { value: 'customer', saw: null } },
    });
    const free = { blocked: { value: false, saw: null }, reason: { value: null, saw: null } };
    await shop.edit('block', id, Date.now() + 5_000, free);
    const { items } = await company.get('/api/company/blocks');
    t.like(items, [{ entityId: id, fields: { blocked: { value: true }, reason: { value: 'não paga' } } }] as never);
    t.is((await company.get('/api/company/conflicts')).open, 1);
    const heard = await shop.reader.drain();
    t.deepEqual(
      heard.map(({ stream }) => stream),
      ['blocks', 'conflicts'],
    );
  });

  test.serial('a transfer goes on with the movements of both shops, in whatever order they arrive', async (t) => {
    await using bench = await openListed(makeDatabase);
    const { mirror, edge } = bench;
    const { companyId } = edge.record;
    const company = await openCompany(mirror, companyId);
    const [from, to] = [await openShop(mirror, edge), await openShop(mirror, bench.enrol(createEdge({ companyId })))];
    const third = await openShop(mirror, bench.enrol(createEdge({ companyId })));
    const { item } = await company.post('/api/company/catalogue', { name: 'Linha', unit: 'un' });
    const ends = {
      fromEstablishmentId: from.edge.record.establishmentId,
      toEstablishmentId: to.edge.record.establishmentId,
      materialId: item.entityId,
    };
    const ask = (): Promise<Transfer> => company.post('/api/company/transfers', { ...ends, quantityMilli: 3000 });
    const movement = ({ transferId }: Transfer, kind: 'transfer-out' | 'transfer-in') => ({
      ...{ movementId: newId(), materialId: item.entityId, kind, state: 'posted', transferId, who: 'Ana', reason: '' },
      ...{ quantityMilli: kind === 'transfer-out' ? -3000 : 3000, at: 1, settledAt: 2 },
    });
    const stateOf = async ({ transferId }: Transfer) =>
      (await company.get('/api/company/transfers')).transfers.find((each: Transfer) => each.transferId === transferId)
        ?.state;

    const asked = await ask();
    t.like(asked, { state: 'requested', materialName: 'Linha', unit: 'un' });
    const out = movement(asked, 'transfer-out');
    await from.push('stock', out.movementId, out);
    t.is(await stateOf(asked), 'sent');
    t.is(
      (await company.call('POST', `/api/company/transfers/${asked.transferId}/cancel`)).code,
      'STATUS_TRANSITION_INVALID',
    );
    const into = movement(asked, 'transfer-in');
    const foreign = { ...into, movementId: newId() };
    t.is((await third.push('stock', foreign.movementId, foreign))?.outcome, 'applied');
    t.is(await stateOf(asked), 'sent', 'an establishment that it does not concern moves nothing');
    await to.push('stock', into.movementId, into);
    t.is(await stateOf(asked), 'received');

    const crossed = await ask();
    t.is((await company.post(`/api/company/transfers/${crossed.transferId}/cancel`, {})).state, 'cancelled');
    const left = movement(crossed, 'transfer-out');
    await from.push('stock', left.movementId, left);
    t.is(await stateOf(crossed), 'sent', 'material that left has left');

    const states = async (shop: typeof from) =>
      (await shop.reader.drain()).filter(({ stream }) => stream === 'transfers').map(({ payload }) => payload['state']);
    const all = ['requested', 'sent', 'received', 'requested', 'cancelled', 'sent'];
    t.deepEqual([await states(from), await states(to), await states(third)], [all, all, []]);
    const same = { ...ends, toEstablishmentId: ends.fromEstablishmentId, quantityMilli: 1 };
    t.is((await company.call('POST', '/api/company/transfers', same)).code, 'BODY_INVALID');
  });
}
