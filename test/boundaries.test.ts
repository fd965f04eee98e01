import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';

/** Who may import whom, by workspace. What is not listed is a layering error. */
const allowedWorkspaces: Readonly<Record<string, readonly string[]>> = {
  'packages/shared': [],
  'packages/sync-engine': ['shared'],
  'packages/auth': ['shared'],
  'packages/service-kit': ['shared', 'auth'],
  'packages/ui': ['shared'],
  services: ['shared', 'sync-engine', 'auth', 'service-kit'],
  web: ['shared', 'ui'],
};

/** Packages that must run anywhere: nothing of Node, nothing of the browser, only these libraries. */
const pureWorkspaces: Readonly<Record<string, readonly string[]>> = {
  'packages/shared': ['zod'],
  'packages/sync-engine': [],
};

/** Time and chance reach the sync core as arguments, so that a simulation replays exactly. */
const impure = /\bDate\b|\bMath\.random\b|\bperformance\b|\bsetTimeout\b|\bsetInterval\b|\bprocess\b/;

const importPattern =
  /^import\s+(?:[^'";]*?\bfrom\s+)?['"]([^'"]+)['"]|^export\s+[^'";=]*?\bfrom\s+['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm;
const withoutComments = (source: string): string => source.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');

function importProblems(file: string, source: string): string[] {
  const [top = '', name = ''] = file.split('/');
  const workspace = `${top}/${name}`;
  const allowed = allowedWorkspaces[workspace] ?? allowedWorkspaces[top] ?? [];
  const problems: string[] = [];
  for (const match of source.matchAll(importPattern)) {
    const specifier = match[1] ?? match[2] ?? match[3] ?? '';
    if (specifier.startsWith('.')) {
      // TypeScript accepts './x.js' for a file named x.ts; Node does not.
      if (!/\.(ts|tsx|json|css|svg)(\?[\w-]+)?$/.test(specifier))
        problems.push(`'${specifier}' must name the file with its ending`);
      const target = path.posix.join(path.posix.dirname(file), specifier);
      const inTest = file.includes('/test/') && target.startsWith('test/support/');
      if (!target.startsWith(`${workspace}/`) && !inTest) problems.push(`'${specifier}' leaves the workspace`);
    } else if (specifier.startsWith('@sgp/')) {
      const wanted = specifier.split('/')[1] ?? '';
      const inTest = file.includes('/test/') && wanted in { shared: 1, auth: 1, 'service-kit': 1, 'sync-engine': 1 };
      if (wanted !== name && !allowed.includes(wanted) && !inTest) problems.push(`must not import ${specifier}`);
    } else if (pureWorkspaces[workspace] && file.includes('/src/') && !pureWorkspaces[workspace].includes(specifier)) {
      problems.push(`must not import ${specifier}`);
    }
  }
  return problems;
}

function syntaxProblems(file: string, source: string): string[] {
  const code = withoutComments(source);
  const problems: string[] = [];
  if (/(^|\/)(index|mod)\.tsx?$/.test(file)) problems.push('no barrel files');
  // TypeScript is silent about both of these, and Node cannot parse either.
  if (/^\s*@[A-Za-z]\w*(\(.*\))?\s*(export\b|class\b|$)/m.test(code)) problems.push('no decorators');
  if (/^\s*(static\s+)?accessor\s+\w/m.test(code)) problems.push('no accessor fields');
  const mayReadEnvironment = /\/(main|config|run-service|vite\.config)\.ts$/.test(file);
  if (/\bprocess\.env\b/.test(code) && file.includes('/src/') && !mayReadEnvironment)
    problems.push('only config.ts reads the environment');
  if (file.startsWith('packages/sync-engine/src/') && impure.test(code))
    problems.push('the sync core takes time and chance as arguments');
  return problems;
}

const files = globSync('{packages,services,web}/*/{src,test}/**/*.{ts,tsx}', {
  exclude: ['**/node_modules/**', '**/dist/**'],
}).map((file) => file.split(path.sep).join('/'));

test('imports point one way, name their file and stay inside their workspace', (t) => {
  t.true(files.length > 20);
  t.deepEqual(
    files.flatMap((file) => importProblems(file, readFileSync(file, 'utf8')).map((problem) => `${file}: ${problem}`)),
    [],
  );
});

test('no syntax that Node cannot run, and the environment is read in one place', (t) => {
  t.deepEqual(
    files.flatMap((file) => syntaxProblems(file, readFileSync(file, 'utf8')).map((problem) => `${file}: ${problem}`)),
    [],
  );
});

/** Files that reach themselves through relative imports, types included: such a knot can only be read as a whole. */
function circularFiles(sources: ReadonlyMap<string, string>): string[] {
  const targets = new Map<string, string[]>();
  for (const [file, source] of sources) {
    const relative = [...withoutComments(source).matchAll(importPattern)].map(
      (match) => match[1] ?? match[2] ?? match[3] ?? '',
    );
    const known = relative
      .filter((specifier) => specifier.startsWith('.'))
      .map((specifier) => path.posix.join(path.posix.dirname(file), specifier))
      .filter((target) => sources.has(target));
    targets.set(file, known);
  }
  return [...sources.keys()].filter((file) => {
    const seen = new Set<string>();
    const waiting = [...(targets.get(file) ?? [])];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      if (next === file) return true;
      if (seen.has(next)) continue;
      seen.add(next);
      waiting.push(...(targets.get(next) ?? []));
    }
    return false;
  });
}

test('no file imports itself by a detour', (t) => {
  const sources = files
    .filter((file) => file.includes('/src/'))
    .map((file) => [file, readFileSync(file, 'utf8')] as const);
  t.deepEqual(circularFiles(new Map(sources)), []);
  const knot = [
    ['a/src/a.ts', "import { b } from './b.ts';"],
    ['a/src/b.ts', "import type { c } from './c.ts';"],
    ['a/src/c.ts', "import { a } from './a.ts';"],
    ['a/src/d.ts', "import { a } from './a.ts';"],
  ] as const;
  t.deepEqual(circularFiles(new Map(knot)), ['a/src/a.ts', 'a/src/b.ts', 'a/src/c.ts']);
});

/** Package of a bare import: `@scope/name/file` → `@scope/name`, `name/file` → `name`. */
const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

test('every library that a workspace imports is declared in its package.json', (t) => {
  const problems = new Set<string>();
  for (const file of files) {
    if (!file.includes('/src/')) continue;
    const workspace = file.split('/').slice(0, 2).join('/');
    const { dependencies = {} } = JSON.parse(readFileSync(`${workspace}/package.json`, 'utf8')) as {
      dependencies?: Record<string, string>;
    };
    for (const match of readFileSync(file, 'utf8').matchAll(importPattern)) {
      const specifier = match[1] ?? match[2] ?? match[3] ?? '';
      const isBare = !specifier.startsWith('.') && !specifier.startsWith('node:') && !specifier.startsWith('virtual:');
      const name = packageOf(specifier);
      if (isBare && !name.startsWith('vite') && name !== `@sgp/${workspace.split('/')[1]}` && !(name in dependencies))
        problems.add(`${workspace}: ${name}`);
    }
  }
  t.deepEqual([...problems], []);
});

test('the rule itself refuses what it must', (t) => {
  t.deepEqual(importProblems('packages/shared/src/a.ts', "import x from 'node:fs';"), ['must not import node:fs']);
  t.deepEqual(importProblems('web/pwa/src/a.ts', "import x from '@sgp/auth/digest';"), [
    'must not import @sgp/auth/digest',
  ]);
  t.deepEqual(importProblems('services/broker/src/a.ts', "import x from '../../license/src/a.ts';"), [
    "'../../license/src/a.ts' leaves the workspace",
  ]);
  t.deepEqual(importProblems('services/broker/src/a.ts', "import x from './b.js';"), [
    "'./b.js' must name the file with its ending",
  ]);
  t.deepEqual(syntaxProblems('packages/sync-engine/src/a.ts', 'const now = Date.now();'), [
    'the sync core takes time and chance as arguments',
  ]);
});
