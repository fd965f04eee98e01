import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { buildWeb } from '../start/build-web.ts';
import { root } from '../start/root.ts';
import { findBrowser } from './browser.ts';
import { startPostgres } from './postgres.ts';

/**
 * `npm test`: brings what the tests share (web apps, PostgreSQL, a browser, Mosquitto's clients), runs ava with its own
 * report, and ends with the line `N passed, N failed`. Arguments go to ava, for example a file's name.
 */
const started = performance.now();
const lap = (what: string): void => console.log(`${what} (${((performance.now() - started) / 1000).toFixed(1)} s)`);

/** Mosquitto's clients: from the system, or from Debian's package where this may install it. */
function ensureMosquittoClients(): string {
  const paths = ['/usr/bin/mosquitto_pub', '/usr/local/bin/mosquitto_pub', '/opt/homebrew/bin/mosquitto_pub'];
  const there = (): string | undefined => paths.find((path) => existsSync(path));
  if (!there() && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    const apt = (...args: string[]): void =>
      void spawnSync('apt-get', args, { stdio: 'ignore', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });
    apt('update');
    apt('install', '-y', '--no-install-recommends', 'mosquitto-clients');
  }
  const found = there();
  if (!found)
    throw new Error(
      "Mosquitto's clients are missing: install the package mosquitto-clients (Debian) or mosquitto (Homebrew).",
    );
  return found;
}

async function runAva(env: NodeJS.ProcessEnv): Promise<{ passed: number; failed: number; code: number }> {
  const cli = join(root, 'node_modules/ava/entrypoints/cli.js');
  const ava = spawn(process.execPath, [cli, ...process.argv.slice(2)], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
    env,
  });
  let passed = 0;
  let failed = 0;
  for await (const line of createInterface({ input: ava.stdout })) {
    console.log(line);
    if (/^\s+[✔√] /.test(line)) passed += 1;
    else if (/^\s+[✘×] /.test(line)) failed += 1;
  }
  const code = ava.exitCode ?? ((await once(ava, 'close'))[0] as number);
  return { passed, failed: code !== 0 && failed === 0 ? 1 : failed, code };
}

const mosquittoPub = ensureMosquittoClients();
lap(`Mosquitto's clients: ${mosquittoPub}`);
const browser = await findBrowser();
lap(`browser: ${browser}`);
await buildWeb();
lap('web apps built');
const postgres = await startPostgres();
lap('PostgreSQL runs');
try {
  const result = await runAva({
    ...process.env,
    BROWSER_PATH: browser,
    TEST_POSTGRES_URL: postgres.url,
    MOSQUITTO_PUB: mosquittoPub,
  });
  lap('done');
  console.log(`${result.passed} passed, ${result.failed} failed`);
  process.exitCode = result.code === 0 ? 0 : 1;
} finally {
  await postgres.stop();
}
