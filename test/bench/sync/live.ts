import { startPostgres } from '../../../infra/test/postgres.ts';
import { writeBacklog } from '../../faults/support/backlog.ts';
import { countOf, createFaultWorld, type FaultWorld, queueIsEmpty, until } from '../../faults/support/fault-world.ts';
import { quantile, spread } from '../figures.ts';

/**
 * What a person waits for: `node test/bench/sync/live.ts [rounds=3]`. Real processes, fsync on at both ends, the broker's
 * doorbell between who writes and the bridge.
 */
const orders = 300;
/** A shop at its busiest writes far less; the Core begins to gather a node's pushes at ten a second. */
const betweenOrdersMs = 125;

export type LiveFigures = {
  /** Order committed in the shop → its acknowledgement is stored there. */
  readonly ackMs: { readonly p50: number; readonly p99: number };
  /** After an outage with 30,000 changes waiting: the line is back → the first byte travels. */
  readonly noticedMs: number;
  /** The line is back → an order that was written in the outage's last moment is on the mirror. */
  readonly liveOrderMs: number;
};

export async function measureLive(): Promise<LiveFigures> {
  await using stack = new AsyncDisposableStack();
  const postgres = await startPostgres([]);
  stack.defer(postgres.stop);
  const world = await createFaultWorld(stack, { postgresUrl: postgres.url });
  await world.bridge.start();
  await world.status('well', ({ state }) => state === 'ok');
  const ackMs = await acknowledgements(world);
  return { ackMs, ...(await heal(world)) };
}

async function acknowledgements(world: FaultWorld): Promise<LiveFigures['ackMs']> {
  const times: number[] = [];
  for (let n = 0; n < orders; n += 1) {
    const began = performance.now();
    const id = await world.writer.write();
    const committed = performance.now();
    await world.ring();
    await until('acknowledged', async () => !(await world.db('outbox').where({ entity_id: id }).first('seq')));
    times.push(performance.now() - committed);
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, betweenOrdersMs - (performance.now() - began))));
  }
  return { p50: quantile(times, 0.5), p99: quantile(times, 0.99) };
}

async function heal(world: FaultWorld): Promise<Pick<LiveFigures, 'noticedMs' | 'liveOrderMs'>> {
  world.line.set('cut');
  await writeBacklog(world, { orders: 10_000, revisions: 3, hours: 72 });
  await world.ring();
  await world.status('the outage is told', ({ state }) => state === 'offline');
  const live = await world.writer.write();
  const { up } = world.line.bytes;
  const opened = performance.now();
  world.line.set('open');
  const noticed = until('bytes travel', () => world.line.bytes.up > up).then(() => performance.now() - opened);
  const arrived = until('the live order is on the mirror', () =>
    world.mirrorDb('orders').where({ order_id: live }).first('version'),
  ).then(() => performance.now() - opened);
  const [noticedMs, liveOrderMs] = await Promise.all([noticed, arrived]);
  if ((await countOf(world.db, 'outbox')) === 0) throw new Error('nothing waited any more');
  await queueIsEmpty(world, 60_000);
  return { noticedMs, liveOrderMs };
}

export async function benchLive(rounds: number): Promise<readonly string[]> {
  const runs: LiveFigures[] = [];
  for (let round = 0; round < rounds; round += 1) runs.push(await measureLive());
  const of = (pick: (run: LiveFigures) => number): string => spread(runs.map(pick), 'ms');
  return [
    `order committed → acknowledged: p50 ${of(({ ackMs }) => ackMs.p50)}, p99 ${of(({ ackMs }) => ackMs.p99)}`,
    `the line is back, 30,000 changes wait → first byte ${of((run) => run.noticedMs)}, live order on the mirror ${of((run) => run.liveOrderMs)}`,
    JSON.stringify({ bench: 'sync-live', runs }),
  ];
}

if (import.meta.main) for (const line of await benchLive(Number(process.argv[2] ?? 3))) console.log(line);
