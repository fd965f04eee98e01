import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '@sgp/service-kit/database';
import { streamRules } from '@sgp/shared/sync';
import { startPostgres } from '../../../infra/test/postgres.ts';
import {
  batchV2Of,
  changeOf,
  createEdge,
  type Edge,
  encode,
  encodeGzip,
  helloOf,
  type Instance,
  newInstance,
  snapshotOf,
} from '../../../services/vps-mirror/test/support/edge.ts';
import { startLicenseServer } from '../../../services/vps-mirror/test/support/license-server.ts';
import { testAuthority } from '../../../services/vps-mirror/test/support/mirror.ts';
import { mirrorEnvironment, spawnMirror } from '../../../services/vps-mirror/test/support/mirror-process.ts';
import { quantile, spread } from '../figures.ts';

/**
 * After an outage of the whole city: `node test/bench/sync/fleet.ts [edges=200]`. Every shop brings its backlog and goes on
 * writing, all at once, at two mirror processes on one PostgreSQL. The shops' signatures are made in this process, on the
 * same cores; what a shop waits is measured from the request to the answer.
 */
const backlogPushes = 2;
const perPush = 500;
const livePushes = 4;
/** Each shop goes on writing: 50 orders a second in the whole city. */
const betweenLiveMs = 4_000;

type Sent = { readonly shop: number; readonly channel: number; readonly ms: number };
export type FleetFigures = {
  readonly snapshotsPerS: number;
  readonly live: { readonly p50: number; readonly p99: number };
  /** When the first and the last shop was through, in seconds. */
  readonly doneS: readonly [number, number];
  readonly refused: number;
  readonly deadlocks: number;
};

type Prepared = { readonly channel: number; readonly body: Buffer; readonly headers: Record<string, string> };
type Shop = {
  readonly url: string;
  readonly hello: Prepared;
  readonly backlog: readonly Prepared[];
  readonly live: readonly Prepared[];
};

/** Everything is encoded and signed before the clock runs. */
async function prepare(edge: Edge, url: string): Promise<Shop> {
  const instance = newInstance(edge);
  let seq = 0;
  const changes = (count: number) =>
    Array.from({ length: count }, () => {
      seq += 1;
      return changeOf(snapshotOf(edge), seq);
    });
  const push = (channel: number, pushSeq: number, count: number) =>
    sign(edge, {
      channel,
      path: streamRules.orders.path,
      body: encodeGzip(batchV2Of(edge, instance, { channel, pushSeq }, changes(count))),
    });
  const backlog: Prepared[] = [];
  for (let n = 1; n <= backlogPushes; n += 1) backlog.push(await push(1, n, perPush));
  const live: Prepared[] = [];
  for (let n = 1; n <= livePushes; n += 1) live.push(await push(0, n, 1));
  return { url, hello: await signHello(edge, instance), backlog, live };
}

const signHello = (edge: Edge, instance: Instance): Promise<Prepared> =>
  sign(edge, { channel: 0, path: '/internal/sync/hello', body: encode(helloOf(edge, instance)), plain: true });

async function sign(
  edge: Edge,
  { channel, path, body, plain = false }: { channel: number; path: string; body: Buffer; plain?: boolean },
): Promise<Prepared> {
  const headers = await edge.sign({
    ...{ authority: testAuthority, path, body },
    ...(!plain && { contentEncoding: 'gzip' as const }),
  });
  return { channel, body, headers: { ...headers, 'x-path': path } };
}

async function send(shop: Shop, { headers: { 'x-path': path, ...headers }, body }: Prepared): Promise<number> {
  const answer = await fetch(`${shop.url}${path}`, { method: 'POST', headers, body });
  await answer.arrayBuffer();
  return answer.status;
}

export async function measureFleet(edges: number): Promise<FleetFigures> {
  await using stack = new AsyncDisposableStack();
  const dir = await mkdtemp(join(tmpdir(), 'sgp-fleet-'));
  stack.defer(() => rm(dir, { recursive: true, force: true }));
  const postgres = await startPostgres([]);
  stack.defer(postgres.stop);
  const license = stack.use(await startLicenseServer());
  const env = { ...mirrorEnvironment(dir, postgres.url, license), LOG_LEVEL: 'warn' };
  const first = stack.use(await spawnMirror({ ...env, LOG_LEVEL: 'info' }));
  const replicas = [first, stack.use(await spawnMirror({ ...env, LOG_LEVEL: 'info' }))];
  const fleet = Array.from({ length: edges }, () => createEdge());
  for (const { record } of fleet) license.records.set(record.shortId, record);
  const shops = await Promise.all(
    fleet.map((edge, index) => prepare(edge, replicas[index % replicas.length]?.url ?? first.url)),
  );

  const sent: Sent[] = [];
  const done: number[] = [];
  let refused = 0;
  const began = performance.now();
  const pushAll = async (shop: Shop, index: number, pushes: readonly Prepared[], pauseMs = 0): Promise<void> => {
    for (const each of pushes) {
      if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, 2 * pauseMs * Math.random()));
      const at = performance.now();
      const status = await send(shop, each);
      if (status !== 200) refused += 1;
      sent.push({ shop: index, channel: each.channel, ms: performance.now() - at });
    }
  };
  await Promise.all(
    shops.map(async (shop, index) => {
      await send(shop, shop.hello);
      await Promise.all([pushAll(shop, index, shop.backlog), pushAll(shop, index, shop.live, betweenLiveMs)]);
      done.push((performance.now() - began) / 1000);
    }),
  );
  const seconds = (performance.now() - began) / 1000;
  const db = openDatabase(postgres.url, { durability: 'full' });
  const { n } = (await db('orders').count({ n: '*' }).first()) as { n: number };
  const { rows } = await db.raw('select deadlocks from pg_stat_database where datname = current_database()');
  await db.destroy();
  const expected = edges * (backlogPushes * perPush + livePushes);
  if (Number(n) !== expected) throw new Error(`${n} of ${expected} orders arrived`);
  const live = sent.filter(({ channel }) => channel === 0).map(({ ms }) => ms);
  return {
    snapshotsPerS: expected / seconds,
    live: { p50: quantile(live, 0.5), p99: quantile(live, 0.99) },
    doneS: [Math.min(...done), Math.max(...done)],
    ...{ refused, deadlocks: Number(rows[0].deadlocks) },
  };
}

export async function benchFleet(rounds: number, edges = 200): Promise<readonly string[]> {
  const runs: FleetFigures[] = [];
  for (let round = 0; round < rounds; round += 1) runs.push(await measureFleet(edges));
  const of = (pick: (run: FleetFigures) => number, unit: string, digits = 0): string =>
    spread(runs.map(pick), unit, digits);
  return [
    `${edges} shops at once, two mirrors, one PostgreSQL: ${of((run) => run.snapshotsPerS, 'snapshots/s')}; a live order p50 ${of((run) => run.live.p50, 'ms')}, p99 ${of((run) => run.live.p99, 'ms')}`,
    `first shop through after ${of((run) => run.doneS[0], 's', 1)}, last after ${of((run) => run.doneS[1], 's', 1)}; refused ${of((run) => run.refused, 'pushes')}, deadlocks ${of((run) => run.deadlocks, '')}`,
    JSON.stringify({ bench: 'sync-fleet', runs }),
  ];
}

if (import.meta.main) for (const line of await benchFleet(1, Number(process.argv[2] ?? 200))) console.log(line);
