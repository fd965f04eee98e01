import { createApiKey } from '@sgp/auth/api-key';
import { sha256Hex } from '@sgp/auth/digest';
import type { Database } from '@sgp/service-kit/database';
import { newId } from '@sgp/service-kit/ids';
import type { ExecutionContext, TestFn } from 'ava';
import { createCompanyStore } from '../../src/companies/company-store.ts';
import { createEnrolmentStore, type Enrolment } from '../../src/enrolment/enrolment-store.ts';
import { createLicenceStore } from '../../src/licences/licence-store.ts';
import { createNodeStore } from '../../src/nodes/node-store.ts';
import { createNonceStore } from '../../src/nodes/nonce-store.ts';

const nowMs = 1_795_000_000_000;

/** What every store keeps, whatever the database: run on SQLite and on PostgreSQL. */
export function storeContract(test: TestFn, open: (t: ExecutionContext) => Promise<Database>): void {
  test('a company has an establishment of one slug only once', async (t) => {
    const companies = createCompanyStore(await open(t));
    const [one, two] = [await addEstablishment(companies), await addEstablishment(companies)];
    t.is(one.added, true);
    t.is(two.added, true, 'another company may use the slug');
    const again = { ...one.establishment, establishmentId: newId() };
    t.false(await companies.addEstablishment(again, { plan: 'standard', paidUntil: null }));
    t.deepEqual(await companies.findEstablishment(one.establishment.establishmentId), {
      company: one.company,
      establishment: one.establishment,
      contract: { plan: 'standard', paidUntil: null },
    });
    t.is(await companies.findEstablishment(again.establishmentId), undefined);
    t.is(await companies.findCompany(newId()), undefined);
  });

  test('of many nodes that use one code at once exactly one is enrolled', async (t) => {
    const { enrolments, codeHash, db } = await withCode(t, open);
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => enrolments.enrol(enrolmentOf(codeHash))));
    t.is(outcomes.filter(({ kind }) => kind === 'enrolled').length, 1);
    t.is(outcomes.filter(({ kind }) => kind === 'code-used').length, 19);
    t.is((await db('nodes')).length, 1, 'the others left nothing');
    t.is((await db('api_keys')).length, 1);
  });

  test('a node may repeat its enrolment, also at once, and has at most two API keys', async (t) => {
    const { enrolments, codeHash, db } = await withCode(t, open);
    const enrolment = enrolmentOf(codeHash);
    const outcomes = await Promise.all(Array.from({ length: 5 }, () => enrolments.enrol(enrolment)));
    const shortIds = outcomes.map((outcome) => (outcome.kind === 'enrolled' ? outcome.shortId : outcome.kind));
    t.is(new Set(shortIds).size, 1);
    t.regex(shortIds[0] ?? '', /^[a-z0-9]{12}$/);
    const node = await createNodeStore(db).findByShortId(shortIds[0] ?? '', nowMs);
    t.is(node?.apiKeyHashes.length, 2);
    t.deepEqual(node?.keys, [
      { keyId: enrolment.keyId, publicJwk: { kty: 'OKP', crv: 'Ed25519', x: enrolment.publicX } },
    ]);
    const last = await enrolments.enrol(enrolment);
    const after = await createNodeStore(db).findByShortId(shortIds[0] ?? '', nowMs);
    t.true(last.kind === 'enrolled' && after?.apiKeyHashes.at(-1) === sha256Hex(last.apiKey));
  });

  test('a code that is too old, or unknown, enrols nobody', async (t) => {
    const { enrolments, codeHash } = await withCode(t, open);
    t.like(await enrolments.enrol({ ...enrolmentOf(codeHash), nowMs: nowMs + 1001 }), { kind: 'code-expired' });
    t.like(await enrolments.enrol(enrolmentOf(sha256Hex('other'))), { kind: 'code-expired' });
    t.is((await enrolments.findCode(codeHash))?.usedByNode, null);
  });

  test('an id or a key that belongs to another node is refused, and the code stays unused', async (t) => {
    const { enrolments, codeHash, db, establishmentId } = await withCode(t, open);
    const first = enrolmentOf(codeHash);
    await enrolments.enrol(first);
    const second = await addCode(enrolments, establishmentId);
    const taken = { kind: 'identity-taken' };
    t.like(await enrolments.enrol({ ...enrolmentOf(second), nodeId: first.nodeId }), taken, 'id with another key');
    t.like(await enrolments.enrol({ ...enrolmentOf(second), publicX: first.publicX }), taken, 'key of another id');
    const elsewhere = await addEstablishment(createCompanyStore(db));
    const third = await addCode(enrolments, elsewhere.establishment.establishmentId);
    t.like(await enrolments.enrol({ ...first, codeHash: third }), taken, 'the node at another establishment');
    for (const hash of [second, third]) t.is((await enrolments.findCode(hash))?.usedByNode, null);
    t.is((await db('nodes')).length, 1);
    t.like(await enrolments.enrol({ ...first, codeHash: second }), { kind: 'enrolled' }, 'itself, with a new code');
  });

  test('a banned node cannot enrol again', async (t) => {
    const { enrolments, codeHash, db, establishmentId } = await withCode(t, open);
    const enrolment = enrolmentOf(codeHash);
    await enrolments.enrol(enrolment);
    await db('nodes').update({ status: 'banned' });
    const next = await addCode(enrolments, establishmentId);
    t.like(await enrolments.enrol({ ...enrolment, codeHash: next }), { kind: 'banned' });
  });

  test('failed tries of a code are counted', async (t) => {
    const { enrolments, codeHash } = await withCode(t, open);
    await Promise.all([enrolments.countFailedTry(codeHash), enrolments.countFailedTry(codeHash)]);
    t.is((await enrolments.findCode(codeHash))?.failedTries, 2);
  });

  test('an API key that ended is not told any more', async (t) => {
    const { enrolments, codeHash, db } = await withCode(t, open);
    const outcome = await enrolments.enrol(enrolmentOf(codeHash));
    const shortId = outcome.kind === 'enrolled' ? outcome.shortId : '';
    const nodes = createNodeStore(db);
    const dayMs = 86_400_000;
    t.is((await nodes.findByShortId(shortId, nowMs + 180 * dayMs - 1))?.apiKeyHashes.length, 1);
    t.is((await nodes.findByShortId(shortId, nowMs + 180 * dayMs))?.apiKeyHashes.length, 0);
    t.is(await nodes.findByShortId('zzzzzzzzzzzz', nowMs), undefined);
  });

  test('a licence follows the one before it, and of two that follow the same only one is stored', async (t) => {
    const { enrolments, codeHash, db } = await withCode(t, open);
    const { nodeId } = enrolmentOf(codeHash);
    await enrolments.enrol({ ...enrolmentOf(codeHash), nodeId });
    const licences = createLicenceStore(db);
    t.false(await licences.any());
    const licence = { nodeId, licenceId: 'lic_one', seq: 1, issuedAt: nowMs, jws: 'a' };
    t.true(await licences.put(licence));
    t.false(await licences.put({ ...licence, jws: 'b' }));
    const next = { ...licence, seq: 2, jws: 'c' };
    const stored = await Promise.all([licences.put(next), licences.put({ ...next, jws: 'd' })]);
    t.deepEqual(stored.toSorted(), [false, true]);
    t.false(await licences.put({ ...licence, seq: 4, jws: 'e' }), 'a seq is not left out');
    t.like(await licences.find(nodeId), { seq: 2, jws: stored[0] ? 'c' : 'd' });
    t.true(await licences.any());
  });

  test('of 20 calls with one nonce exactly one is taken, until it is forgotten', async (t) => {
    const nonces = createNonceStore(await open(t));
    const taken = await Promise.all(Array.from({ length: 20 }, () => nonces.use('nk_one', 'n', nowMs)));
    t.is(taken.filter(Boolean).length, 1);
    t.true(await nonces.use('nk_two', 'n', nowMs), 'another key may use it');
    await nonces.purge(nowMs);
    t.false(await nonces.use('nk_one', 'n', nowMs));
    await nonces.purge(nowMs + 1);
    t.true(await nonces.use('nk_one', 'n', nowMs));
  });
}

async function addEstablishment(companies: ReturnType<typeof createCompanyStore>) {
  const company = { companyId: newId(), name: 'Ateliê', createdAt: nowMs };
  const establishment = {
    establishmentId: newId(),
    companyId: company.companyId,
    name: 'Matriz',
    slug: 'matriz',
    timeZone: 'America/Sao_Paulo',
    createdAt: nowMs,
  };
  await companies.addCompany(company);
  const added = await companies.addEstablishment(establishment, { plan: 'standard', paidUntil: null });
  return { company, establishment, added };
}

async function withCode(t: ExecutionContext, open: (t: ExecutionContext) => Promise<Database>) {
  const db = await open(t);
  const { establishment } = await addEstablishment(createCompanyStore(db));
  const enrolments = createEnrolmentStore(db);
  const { establishmentId } = establishment;
  return { db, enrolments, establishmentId, codeHash: await addCode(enrolments, establishmentId) };
}

async function addCode(enrolments: ReturnType<typeof createEnrolmentStore>, establishmentId: string): Promise<string> {
  const codeHash = sha256Hex(newId());
  await enrolments.addCode({ codeHash, establishmentId, createdAt: nowMs, expiresAt: nowMs + 1000 });
  return codeHash;
}

const enrolmentOf = (codeHash: string): Enrolment => ({
  codeHash,
  nodeId: newId(),
  keyId: `nk_${newId()}`,
  publicX: sha256Hex(newId()).slice(0, 43),
  createApiKey,
  nowMs,
});
