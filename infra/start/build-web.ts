import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './root.ts';

const apps = ['intranet', 'pwa'] as const;
const stampFile = 'dist/.source-hash';

/** Hash of everything that a build of `app` depends on. */
function sourceHash(app: string): string {
  const hash = createHash('sha256');
  const patterns = [
    `web/${app}/{src,public}/**/*`,
    `web/${app}/*.*`,
    'packages/{ui,shared}/src/**/*',
    'package-lock.json',
  ];
  for (const file of globSync(patterns, { cwd: root, withFileTypes: true }).sort((a, b) =>
    join(a.parentPath, a.name) < join(b.parentPath, b.name) ? -1 : 1,
  )) {
    if (!file.isFile()) continue;
    hash.update(file.name).update(readFileSync(join(file.parentPath, file.name)));
  }
  return hash.digest('hex');
}

/** Builds the web apps whose sources changed since their last build. */
export async function buildWeb(): Promise<void> {
  await Promise.all(apps.map(buildApp));
}

async function buildApp(app: (typeof apps)[number]): Promise<void> {
  const dir = join(root, 'web', app);
  const stamp = join(dir, stampFile);
  const hash = sourceHash(app);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return;
  const vite = spawn(process.execPath, [join(root, 'node_modules/vite/bin/vite.js'), 'build', '--logLevel', 'warn'], {
    cwd: dir,
    // Whatever runs the launcher (a test sets another), people get the production build.
    env: { ...process.env, NODE_ENV: 'production' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  vite.stdout.on('data', (data) => (output += data));
  vite.stderr.on('data', (data) => (output += data));
  const code = await new Promise((resolve) => vite.once('close', resolve));
  if (code !== 0) throw new Error(`the web app '${app}' could not be built:\n${output}`);
  writeFileSync(stamp, hash);
}

if (import.meta.main) await buildWeb();
