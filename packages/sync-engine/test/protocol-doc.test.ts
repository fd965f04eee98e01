import { readFileSync } from 'node:fs';
import test from 'ava';

const root = new URL('../../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');

/** `name › title`, `service name › title` or `simulation name › title`, as the table of invariants writes it. */
const references = read('docs/sync-protocol.md')
  .split('\n')
  .filter((line) => /^\| I\d+ \|/.test(line))
  .flatMap((line) => (line.split(' | ')[2] ?? '').replace(/ \|$/, '').split('<br>'));

/** The test file, and the suite that it shares with another database. */
function sourceOf(reference: string): string {
  const [where = ''] = reference.split(' › ');
  const [name = '', service] = where.split(/[ ,]/).slice(0, 2).reverse();
  const folder =
    service === undefined
      ? 'packages/sync-engine/test'
      : service === 'simulation'
        ? 'test/simulation'
        : `services/${service}/test`;
  const file = read(`${folder}/${name}.test.ts`);
  const suites = [...file.matchAll(/from '\.\/(support\/[a-z-]+\.ts)'/g)].map(([, path]) => read(`${folder}/${path}`));
  return [file, ...suites].join('\n');
}

test('every test that the protocol names for an invariant exists', (t) => {
  t.true(references.length >= 40, `${references.length} references`);
  for (const reference of references) {
    const title = reference.slice(reference.indexOf(' › ') + 3);
    // `…` stands for what a table of cases fills in, `(block)` for its other case.
    const parts = title.replace('catalogue (block)', '…').split('…');
    const pattern = new RegExp(parts.map((part) => RegExp.escape(part.trim())).join('.*'));
    const lines = sourceOf(reference).split('\n');
    t.true(
      lines.some((line) => pattern.test(line)),
      reference,
    );
  }
});

test('every metric of the sync is in the protocol', (t) => {
  const sources = [
    'services/production-api/src/bridge/bridge-metrics.ts',
    'services/vps-mirror/src/ingest/ingest-metrics.ts',
    'services/vps-mirror/src/downlink/downlink-metrics.ts',
    'services/vps-mirror/src/alerts/alert-metrics.ts',
  ];
  const told = read('docs/sync-protocol.md');
  const names = sources.flatMap((path) => [...read(path).matchAll(/'(sgp_[a-z_]+)'/g)].map(([, name]) => name ?? ''));
  t.true(names.length >= 20, `${names.length} metrics`);
  for (const name of names) t.regex(told, new RegExp(`\`${name}[\`{]`), name);
});
