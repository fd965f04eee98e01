import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../start/root.ts';

const known = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  `${process.env['PROGRAMFILES']}\\Google\\Chrome\\Application\\chrome.exe`,
  `${process.env['PROGRAMFILES(X86)']}\\Microsoft\\Edge\\Application\\msedge.exe`,
];

/**
 * Where the tests' browser is: `$BROWSER_PATH`, a system Chromium or Chrome, or (Linux x64) the one that npm brings,
 * unpacked once below node_modules/.cache with the libraries and fonts it needs.
 */
export async function findBrowser(): Promise<string> {
  const wanted = process.env['BROWSER_PATH'];
  if (wanted && wanted !== 'npm') return wanted;
  const system = wanted === 'npm' ? undefined : known.find((path) => existsSync(path));
  if (system) return system;
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error('No browser was found for the tests: install Chrome, or name one in BROWSER_PATH.');
  }
  const cache = join(root, 'node_modules/.cache/chromium');
  const run = join(cache, 'run.sh'); // written last: when it is there, the unpacking was complete
  if (existsSync(run)) return run;
  rmSync(cache, { recursive: true, force: true });
  mkdirSync(cache, { recursive: true });
  await unpack(cache);
  // The fonts.conf that comes with the package names a fixed folder of its own.
  const fonts = join(cache, 'fonts.conf');
  writeFileSync(
    fonts,
    `<?xml version="1.0"?><fontconfig><dir>${cache}/fonts/fonts</dir><dir>/usr/share/fonts</dir><cachedir>${cache}/fontcache</cachedir></fontconfig>\n`,
  );
  writeFileSync(
    `${run}.new`,
    `#!/bin/sh\nLD_LIBRARY_PATH='${cache}/al2023/lib' FONTCONFIG_FILE='${fonts}' exec '${cache}/chromium' "$@"\n`,
  );
  chmodSync(`${run}.new`, 0o755);
  renameSync(`${run}.new`, run);
  return run;
}

/** The package decides by the environment where and what it unpacks; the environment is put back afterwards. */
async function unpack(cache: string): Promise<void> {
  const before = { ...process.env };
  Object.assign(process.env, { TMPDIR: cache, AWS_LAMBDA_JS_RUNTIME: 'nodejs24.x' });
  try {
    const { default: chromium } = await import('@sparticuz/chromium');
    await chromium.executablePath();
  } finally {
    for (const name of ['TMPDIR', 'AWS_LAMBDA_JS_RUNTIME', 'LD_LIBRARY_PATH', 'FONTCONFIG_PATH']) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
  }
}

if (import.meta.main) console.log(await findBrowser());
