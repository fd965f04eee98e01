import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readBody } from '@sgp/service-kit/read-body';
import { limits } from '@sgp/shared/limits';
import test, { type ExecutionContext } from 'ava';
import { openProductionDb } from '../src/db.ts';
import { createCredentialPush } from '../src/machines/credential-push.ts';
import { createMachineStore } from '../src/machines/machine-store.ts';
import { deviceCredentials, openRegistry } from '../src/machines/registry.ts';
import { openStreams } from './support/streams.ts';

const silent = { info() {}, warn() {} };
const actor = { userId: null, who: 'Rosana', address: null };

/** An address that takes credentials as the broker does, when it wants to. */
async function listenAdmin(
  t: ExecutionContext,
  answer: (request: IncomingMessage, body: string) => number | Promise<number>,
) {
  const server = createServer(async (request, response) => {
    const body = (await readBody(request, 1_000_000)).toString();
    response.writeHead(await answer(request, body)).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  t.teardown(() => server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, token: 'admin-token' };
}

async function open(t: ExecutionContext) {
  const db = await openProductionDb('sqlite::memory:');
  t.teardown(() => db.destroy());
  const store = createMachineStore(db);
  const registry = await openRegistry({ db, store, ...openStreams(db), est: 'matriz' });
  return { db, store, registry };
}
const names = (slug: string) => ({ slug, name: `Máquina ${slug}`, kind: '', sector: '' });

test('the broker is told again until it takes the credentials', async (t) => {
  let requests = 0;
  const taken = Promise.withResolvers<string>();
  const broker = await listenAdmin(t, (request, body) => {
    t.is(request.headers.authorization, 'Bearer admin-token');
    t.is(`${request.method} ${request.url}`, 'PUT /v1/credentials');
    requests += 1;
    if (requests < 3) return 503;
    taken.resolve(body);
    return 204;
  });
  const credentials = [{ username: 'matriz.m1', secretSha256: ['ab'] }];
  const push = createCredentialPush({ broker, credentials: async () => credentials, log: silent });
  t.teardown(() => push[Symbol.asyncDispose]());
  t.true(await push.push(), 'it is confirmed only once the broker took it');
  t.is(requests, 3);
  t.deepEqual(JSON.parse(await taken.promise), { credentials });
});

test('a change is not called confirmed while the broker is away, and is told when it is back', async (t) => {
  let back = false;
  const taken = Promise.withResolvers<void>();
  const broker = await listenAdmin(t, () => {
    if (!back) return 503;
    taken.resolve();
    return 204;
  });
  const push = createCredentialPush({ broker, credentials: async () => [], log: silent });
  t.teardown(() => push[Symbol.asyncDispose]());
  const asked = performance.now();
  t.false(await push.push());
  const waitedMs = performance.now() - asked;
  t.true(waitedMs >= limits.credentialConfirmMaxMs - 50 && waitedMs < limits.credentialConfirmMaxMs + 1_000);
  back = true;
  await taken.promise;
});

test('a broker that does not answer at all holds up no answer beyond the limit', async (t) => {
  const go = Promise.withResolvers<void>();
  t.teardown(() => go.resolve());
  const broker = await listenAdmin(t, async () => {
    await go.promise;
    return 204;
  });
  const push = createCredentialPush({ broker, credentials: async () => [], log: silent });
  t.teardown(() => push[Symbol.asyncDispose]());
  const asked = performance.now();
  t.false(await push.push());
  t.true(performance.now() - asked < limits.credentialConfirmMaxMs + 1_000);
});

test('a change during a slow request is told by a request of its own, so the newest set comes last', async (t) => {
  const { store, registry } = await open(t);
  const bodies: string[][] = [];
  const arrived = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  const broker = await listenAdmin(t, async (_, body) => {
    bodies.push(JSON.parse(body).credentials.map((each: { username: string }) => each.username));
    arrived.resolve();
    if (bodies.length === 1) await go.promise;
    return 204;
  });
  const push = createCredentialPush({ broker, credentials: () => deviceCredentials(store, 'matriz'), log: silent });
  t.teardown(() => push[Symbol.asyncDispose]());
  await registry.create(names('m1'), actor);
  const first = push.push();
  await arrived.promise;
  await registry.create(names('m2'), actor);
  const second = push.push();
  go.resolve();
  t.true((await first) && (await second));
  t.deepEqual(bodies, [['matriz.m1'], ['matriz.m1', 'matriz.m2']]);
});

test('only the hash of a secret is kept, a new secret replaces it, and a revoked one is left out', async (t) => {
  const { db, store, registry } = await open(t);
  const { machine, secret } = await registry.create(names('m1'), actor);
  const hashes = async () => (await deviceCredentials(store, 'matriz')).flatMap(({ secretSha256 }) => secretSha256);
  const before = await hashes();
  t.regex(before.join(), /^[0-9a-f]{64}$/);
  const everything = JSON.stringify([
    await db('machines').select(),
    await db('machine_credentials').select(),
    await db('audit').select(),
  ]);
  t.false(everything.includes(secret));
  const rotated = await registry.rotate(machine.machineId, actor);
  t.not(rotated.secret, secret);
  t.notDeepEqual(await hashes(), before);
  await registry.revoke(machine.machineId, actor);
  t.deepEqual(await hashes(), []);
  await registry.rotate(machine.machineId, actor);
  t.is((await hashes()).length, 1, 'a new secret ends the revocation');
  t.deepEqual(await db('audit').orderBy('entry_id').pluck('action'), [
    'created',
    'credential_replaced',
    'credential_revoked',
    'credential_replaced',
  ]);
});

test('what is registered is the same after a restart', async (t) => {
  const { db, store, registry } = await open(t);
  const { machine } = await registry.create(names('m1'), actor);
  await registry.rename(machine.machineId, { name: 'Bordadeira 2' }, actor);
  await registry.rotate(machine.machineId, actor);
  const again = await openRegistry({ db, store, ...openStreams(db), est: 'matriz' });
  t.deepEqual(again.list(), registry.list());
  t.is(again.byUsername('matriz.m1'), machine.machineId);
  t.is(again.byUsername('outra.m1'), undefined);
});
