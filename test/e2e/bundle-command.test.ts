import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { root } from '../../infra/start/root.ts';
import { startService } from '../../services/production-api/test/support/sync-world.ts';
import { freshSqlite } from '../../services/vps-mirror/test/support/databases.ts';
import { areEqual, coreState, fileOf, linesOf, openBundleWorld, shopState } from './support/bundle-world.ts';

/** `npm run bundle` as a process, with the folders of a shop and a real mirror. */

type Ended = { readonly code: number; readonly said: string };

function bundle(args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  const command = ['--disable-warning=ExperimentalWarning', join(root, 'infra/start/bundle.ts'), ...args];
  const language = { LANG: 'pt_BR.UTF-8', LC_ALL: '', LC_MESSAGES: '' };
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      command,
      { cwd: root, env: { PATH: process.env['PATH'], ...language, ...env } },
      (_, out, err) => resolve({ code: child.exitCode ?? -1, said: `${out}${err}` }),
    );
  });
}

async function open(stack: AsyncDisposableStack) {
  const world = await openBundleWorld(stack, freshSqlite);
  const file = join(world.bench.dir, 'para a nuvem.sgp');
  const data = ['--data', world.shop.dataDir];
  return { ...world, file, data, mirror: ['--mirror', world.bench.mirror.url] };
}

const isRefused = async (t: ExecutionContext, ended: Promise<Ended>, why: RegExp): Promise<void> => {
  const { code, said } = await ended;
  t.is(code, 1, said);
  t.regex(said, why);
  t.notRegex(said, / at .*\.ts:\d/, 'one sentence, and no trace');
};

test('the command writes the file, brings it from any computer, and takes the acknowledgement in: the queue is empty', async (t) => {
  await using stack = new AsyncDisposableStack();
  const { shop, bench, file, data, mirror } = await open(stack);
  for (let n = 0; n < 5; n += 1) await shop.writer.write();
  const written = await bundle(['export', file, ...data]);
  t.deepEqual(written.code, 0, written.said);
  t.regex(written.said, /para a nuvem\.sgp: 5 alterações, \d+ bytes\. Elas continuam na fila/);
  // This computer knows no shop: only where the cloud is.
  const brought = await bundle(['import', file, ...mirror, '--data', join(bench.dir, 'nowhere')]);
  t.deepEqual(brought, {
    code: 0,
    said: `A nuvem recebeu o arquivo. Leve a confirmação de volta à loja: ${file}.ack\n`,
  });
  t.is(await shop.bundles.pending(), 5);
  const settled = { code: 0, said: 'Confirmadas: 5. Separadas pela nuvem: 0. Ainda na fila: 0.\n' };
  t.deepEqual(await bundle(['import', `${file}.ack`, ...data]), settled);
  await areEqual(t, shop, bench);
  t.deepEqual(await shop.db('audit').where({ entity: 'bundle' }).pluck('who'), ['npm run bundle', 'npm run bundle']);
  const again = { code: 0, said: 'Confirmadas: 0. Separadas pela nuvem: 0. Ainda na fila: 0.\n' };
  t.deepEqual(await bundle(['import', `${file}.ack`, ...data]), again, 'once more changes nothing');
  await isRefused(t, bundle(['export', file, ...data]), /BUNDLE_EMPTY.*nada esperando/);
  t.deepEqual(
    readdirSync(bench.dir).filter((name) => name.endsWith('.tmp')),
    [],
    'and nothing half is left',
  );
});

test('it works beside the services of the shop', async (t) => {
  await using stack = new AsyncDisposableStack();
  const { shop, file, data, mirror } = await open(stack);
  await shop.writer.write();
  const node = join(shop.dataDir, 'edge/node');
  writeFileSync(join(shop.dataDir, 'password'), 'p');
  stack.use(
    await startService('services/production-api/src/bridge/main.ts', {
      ...{ PORT: '0', PRODUCTION_DB_URL: `sqlite:${join(shop.dataDir, 'edge/production.db')}`, NODE_DIR: node },
      ...{ BROKER_URL: 'mqtt://127.0.0.1:9', MQTT_PASSWORD_FILE: join(shop.dataDir, 'password') },
      // Nobody is there: the shop is cut off.
      ...{ MIRROR_URL: 'http://127.0.0.1:9', MIRROR_AUTHORITY: 'mirror.test:7001' },
    }),
  );
  t.is((await bundle(['export', file, ...data])).code, 0);
  t.is((await bundle(['import', file, ...mirror])).code, 0);
  t.regex((await bundle(['import', `${file}.ack`, ...data])).said, /Confirmadas: 1\..*Ainda na fila: 0\./);
});

test('what is refused ends with 1 and a sentence that says what to do, and nothing is changed on either side', async (t) => {
  await using stack = new AsyncDisposableStack();
  const { shop, bench, file, data, mirror } = await open(stack);
  await shop.writer.write();
  await bundle(['export', file, ...data]);
  const core = await coreState(bench);
  const cut = join(bench.dir, 'cut.sgp');
  writeFileSync(cut, fileOf(linesOf(readFileSync(file)).slice(0, 2)));
  await isRefused(t, bundle(['import', cut, ...mirror]), /BUNDLE_INVALID.*não está inteiro/);
  bench.mirror.clock.offsetMs = 60 * 24 * 60 * 60_000;
  await isRefused(t, bundle(['import', file, ...mirror]), /BUNDLE_EXPIRED.*velho demais/);
  bench.mirror.clock.offsetMs = 0;
  const photo = join(bench.dir, 'photo.jpg');
  writeFileSync(photo, 'no file of ours');
  await isRefused(t, bundle(['import', photo, ...mirror]), /photo\.jpg não é um arquivo do SGP/);
  await isRefused(t, bundle(['import', join(bench.dir, 'gone'), ...mirror]), /gone não pode ser lido.*ENOENT/);
  await isRefused(t, bundle(['export', join(bench.dir, 'no/folder'), ...data]), /não pode ser lido ou gravado.*ENOENT/);
  const nowhere = ['--data', join(bench.dir, 'nowhere')];
  await isRefused(t, bundle(['import', file, ...nowhere]), /Falta o endereço da nuvem/);
  await isRefused(t, bundle(['export', file, ...nowhere]), /Não há uma loja registrada/);
  await isRefused(t, bundle(['import', file, '--mirror', 'http://127.0.0.1:9']), /não respondeu.*Nada foi alterado/);
  t.is(await coreState(bench), core);

  t.is((await bundle(['import', file, ...mirror])).code, 0);
  const before = await shopState(shop.db);
  const cutAck = join(bench.dir, 'cut.ack');
  writeFileSync(cutAck, fileOf(linesOf(readFileSync(`${file}.ack`)).slice(0, 1)));
  await isRefused(t, bundle(['import', cutAck, ...data]), /BUNDLE_INVALID.*nada foi alterado/);
  t.is(await shopState(shop.db), before);
});

test('the sign-in page of a hotel is no acknowledgement', async (t) => {
  await using stack = new AsyncDisposableStack();
  const { shop, bench, file, data } = await open(stack);
  await shop.writer.write();
  await bundle(['export', file, ...data]);
  const hotel = createServer((request, response) => {
    request.resume().on('end', () => {
      response.writeHead(200, { 'content-type': 'text/html' });
      response.end('<h1>Bem-vindo</h1>');
    });
  }).listen(0, '127.0.0.1');
  stack.defer(() => void hotel.close());
  await once(hotel, 'listening');
  const url = `http://127.0.0.1:${(hotel.address() as AddressInfo).port}`;
  await isRefused(t, bundle(['import', file, '--mirror', url]), /A resposta \(200\) não é da nuvem SGP/);
  t.deepEqual(
    readdirSync(bench.dir).filter((name) => name.endsWith('.ack')),
    [],
  );
});

test('a call that makes no sense ends with 2 and tells how it is called, in the language of the system', async (t) => {
  for (const args of [[], ['export'], ['carry', 'x'], ['export', 'x', 'y'], ['export', 'x', '--unknown']]) {
    const { code, said } = await bundle(args);
    t.is(code, 2, args.join(' '));
    t.regex(said, /npm run bundle -- export ARQUIVO/);
  }
  t.regex((await bundle([], { LANG: 'en_GB.UTF-8' })).said, /npm run bundle -- export FILE/);
});
