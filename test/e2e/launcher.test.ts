import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { uptime } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { openLogFile } from '../../infra/start/log-file.ts';
import { parseOptions } from '../../infra/start/options.ts';
import { corePlan, edgePlan, layout, portsFor } from '../../infra/start/plan.ts';
import { requireNode } from '../../infra/start/prepare.ts';
import { root } from '../../infra/start/root.ts';
import { freePortOffset, tempDir, until } from '../support/shop.ts';

type Launcher = { readonly child: ChildProcess; output(): string; readonly ended: Promise<unknown> };

function launch(t: ExecutionContext, ...args: string[]): Launcher {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', join(root, 'infra/start/main.ts'), ...args],
    {
      cwd: root,
      env: { ...process.env, LANG: 'pt_BR.UTF-8', LC_ALL: 'pt_BR.UTF-8' },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (data) => (text += data));
  const ended = once(child, 'close');
  t.teardown(async () => {
    if (child.exitCode === null) child.kill('SIGINT');
    await ended;
  });
  return { child, output: () => text, ended };
}

test('npm start prints the addresses, and Ctrl+C stops everything, each service by itself', async (t) => {
  const offset = await freePortOffset();
  const dataDir = tempDir(t);
  const launcher = launch(t, '--data', dataDir, '--port-offset', String(offset));
  await until('ready', launcher.output, (text) => text.includes('SGP') && text.includes('Ctrl+C'), 60_000);
  const ports = portsFor(offset);
  for (const part of [
    `http://127.0.0.1:${ports.production}`,
    `http://127.0.0.1:${ports.mirror}`,
    `mqtt://127.0.0.1:${ports.broker}`,
    dataDir,
  ])
    t.true(launcher.output().includes(part), part);
  for (const port of [ports.production, ports.mirror, ports.license, ports.bridge, ports.media, ports.brokerHttp])
    t.is((await fetch(`http://127.0.0.1:${port}/readyz`)).status, 200, String(port));

  const second = launch(t, '--data', dataDir, '--port-offset', String(await freePortOffset()));
  t.is(((await second.ended) as [number])[0], 1);
  t.regex(second.output(), /já está em uso por outro SGP \(processo \d+\)/);

  const stopAt = performance.now();
  launcher.child.kill('SIGINT');
  t.is(((await launcher.ended) as [number])[0], 0);
  t.log(`stopped in ${Math.round(performance.now() - stopAt)} ms`);
  await t.throwsAsync(fetch(`http://127.0.0.1:${ports.production}/healthz`));
  t.false(existsSync(layout(dataDir).lock));
});

test('edge and core run apart: the shop enrols with the code that the cloud shows', async (t) => {
  const core = launch(t, 'core', '--data', tempDir(t), '--port-offset', String(await freePortOffset()));
  await until('core ready', core.output, (text) => text.includes('--enrol'), 60_000);
  const [, url, code] = /--license (\S+) --enrol (\S+)/.exec(core.output()) ?? [];
  const offset = await freePortOffset();
  const dataDir = tempDir(t);
  const edge = launch(
    t,
    'edge',
    '--data',
    dataDir,
    '--port-offset',
    String(offset),
    '--license',
    url as string,
    '--enrol',
    code as string,
  );
  await until('edge ready', edge.output, (text) => text.includes('Ctrl+C'), 60_000);
  t.is((await fetch(`http://127.0.0.1:${portsFor(offset).production}/readyz`)).status, 200);

  const again = launch(
    t,
    'edge',
    '--data',
    tempDir(t),
    '--port-offset',
    String(await freePortOffset()),
    '--license',
    url as string,
    '--enrol',
    code as string,
  );
  t.is(((await again.ended) as [number])[0], 1, 'a code is good once');
  t.regex(again.output(), /não foi registrada/);
});

test('a port in use, a data folder that cannot be written and an old Node are each told in one sentence with the remedy', async (t) => {
  const offset = await freePortOffset();
  const taken = createServer().listen(portsFor(offset).license, '127.0.0.1');
  await once(taken, 'listening');
  t.teardown(() => taken.close());
  const portTaken = launch(t, '--data', tempDir(t), '--port-offset', String(offset));
  t.is(((await portTaken.ended) as [number])[0], 1);
  t.regex(
    portTaken.output().trim(),
    /^A porta \d+ \(license\) já está em uso por outro programa\..*--port-offset 100$/,
  );

  const file = join(tempDir(t), 'file');
  writeFileSync(file, '');
  const noFolder = launch(t, '--data', join(file, 'data'), '--port-offset', String(offset));
  t.is(((await noFolder.ended) as [number])[0], 1);
  t.regex(noFolder.output().trim(), /^Não é possível gravar na pasta de dados .* \(ENOTDIR\)\..*--data PASTA$/);

  t.throws(() => requireNode('v20.20.2'), { message: /v20\.20\.2/ });
  t.notThrows(() => requireNode('v24.0.0'));
  const lost = launch(t, 'edge', '--data', tempDir(t), '--port-offset', String(await freePortOffset()));
  t.is(((await lost.ended) as [number])[0], 1);
  t.regex(lost.output(), /ainda não está registrada/);
});

test('what a crash left behind does not stop the next start, and a broken database is told instead of waited for', async (t) => {
  const dataDir = tempDir(t);
  const at = layout(dataDir);
  writeFileSync(at.lock, '1');
  const yearOfBoot = new Date(Date.now() - uptime() * 1000 - 3_600_000);
  utimesSync(at.lock, yearOfBoot, yearOfBoot);
  mkdirSync(at.core, { recursive: true });
  writeFileSync(join(at.core, 'license.db'), 'this is no database, it only has its name. '.repeat(40));
  const launcher = launch(t, '--data', dataDir, '--port-offset', String(await freePortOffset()));
  t.is(((await launcher.ended) as [number])[0], 1);
  t.regex(launcher.output(), /license: .*file is not a database/);
  t.false(existsSync(at.lock));
});

test('a log that the disk has no room for is left out, and one that grows is set aside', (t) => {
  const dir = tempDir(t);
  const log = openLogFile(dir, 'a');
  const line = 'x'.repeat(1024 * 1024);
  for (let turn = 0; turn < 12; turn += 1) log.write(line);
  log.close();
  t.notThrows(() => log.write('after the end'));
  t.deepEqual(readdirSync(dir).sort(), ['a.log', 'a.log.1']);
  t.is(statSync(join(dir, 'a.log')).size + statSync(join(dir, 'a.log.1')).size, 12 * (line.length + 1));
});

test('no secret stands in the environment of a process, and each secret file is readable by its owner alone', (t) => {
  const options = parseOptions(['--data', '/data', '--port-offset', '5']);
  const at = layout('/data');
  const plans = [
    ...corePlan(options, portsFor(5), at),
    ...edgePlan(options, portsFor(5), at, 'loja', { connectUrl: 'http://a', authority: 'a', publicUrl: 'http://a' }),
  ];
  t.is(plans.length, 6);
  for (const { name, env } of plans)
    for (const variable of Object.keys(env)) t.false(/(SECRET|TOKEN|PASSWORD)$/.test(variable), `${name}: ${variable}`);
  t.throws(() => parseOptions(['sideways']));
  t.throws(() => parseOptions(['--port-offset', 'x']));
});

test('the README names only commands that exist', (t) => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const named = [...readme.matchAll(/npm run ([\w:-]+)/g)].map((match) => match[1] as string);
  t.true(named.length > 0);
  for (const name of named) t.true(name in scripts, name);
});
