import pg from 'pg';
import { startPostgres } from '../../../infra/test/postgres.ts';
import { startCountingProxy } from './counting-proxy.ts';
import type { DrainSubject } from './drain.ts';
import { until } from './peer-process.ts';
import type { Workload } from './workload.ts';

const durable = ['fsync=on', 'synchronous_commit=on', 'wal_level=logical', 'wal_retrieve_retry_interval=100ms'];

/**
 * Two PostgreSQL 18: the shop publishes, the server subscribes through the proxy.
 * @param commit synchronous_commit at the apply; `off` is the default of a subscription
 */
export const replication = (commit: 'on' | 'off'): DrainSubject => ({
  name: `PostgreSQL logical replication, apply ${commit === 'on' ? 'durable' : 'as by default'}`,
  setup: `PostgreSQL 18, fsync on both sides, synchronous_commit ${commit} at the apply, every revision in a transaction of its own`,
  missing: () => null,
  async run(workload) {
    await using stack = new AsyncDisposableStack();
    const [near, far] = await Promise.all([startPostgres(durable), startPostgres(durable)]);
    stack.defer(() => near.stop());
    stack.defer(() => far.stop());
    const proxy = stack.use(await startCountingProxy(Number(new URL(near.url).port)));
    await proxy.open();
    const publisher = await clientOf(stack, near.url);
    const subscriber = await clientOf(stack, far.url);
    const table = 'create table orders (order_id uuid primary key, version int not null, doc jsonb not null)';
    await publisher.query(table);
    await subscriber.query(table);
    await publisher.query('create publication shop for table orders');
    const { username, password } = new URL(near.url);
    const way = `host=127.0.0.1 port=${proxy.port} user=${username} password=${password} dbname=postgres`;
    await subscriber.query(
      `create subscription core connection '${way}' publication shop with (copy_data = false, synchronous_commit = '${commit}')`,
    );
    // A table that is not ready yet would be copied, and a copy is no stream of changes.
    await until('the table is ready to stream', async () => {
      const { rows } = await subscriber.query("select 1 from pg_subscription_rel where srsubstate = 'r'");
      return rows.length === 1;
    });
    await subscriber.query('alter subscription core disable');
    await until('the stream ended', async () => {
      const { rows } = await publisher.query('select 1 from pg_replication_slots where active');
      return rows.length === 0;
    });
    await write(publisher, workload);
    await proxy.open();
    await subscriber.query('alter subscription core enable');
    // Changes are applied in their order: with the last one all are there.
    const last = workload.snapshots.at(-1);
    await until('the last change is applied', async () => {
      const { rows } = await subscriber.query('select 1 from orders where order_id = $1 and version = $2', [
        last?.orderId,
        last?.version,
      ]);
      return rows.length === 1;
    });
    const endedAt = Date.now();
    const { firstAt, bytesUp, bytesDown } = await proxy.counted();
    const { rows } = await subscriber.query('select count(*)::int as n from orders where version = $1', [
      workload.revisions,
    ]);
    if (rows[0].n !== workload.orders) throw new Error(`${rows[0].n} of ${workload.orders} orders arrived`);
    // The subscriber calls, so that what goes from the shop to the server flows down its connection.
    return {
      drainMs: endedAt - (firstAt ?? endedAt),
      bytesUp: bytesDown,
      bytesDown: bytesUp,
      arrived: workload.snapshots.length,
    };
  },
});

async function clientOf(stack: AsyncDisposableStack, connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  stack.defer(() => client.end());
  return client;
}

/** A transaction each, as a shop writes. Filling is not measured, so it does not wait for the disk. */
async function write(client: pg.Client, { snapshots }: Workload): Promise<void> {
  await client.query('set synchronous_commit = off');
  for (const { orderId, version, payload } of snapshots)
    await client.query({
      name: 'write',
      text: `insert into orders values ($1, $2, $3)
        on conflict (order_id) do update set version = excluded.version, doc = excluded.doc`,
      values: [orderId, version, payload],
    });
}
