import { fileURLToPath } from 'node:url';
import PouchDB from 'pouchdb';
import { startCountingProxy } from './counting-proxy.ts';
import type { DrainSubject } from './drain.ts';
import { freePort, startListening, tempDir } from './peer-process.ts';
import { createWarmUp, type Workload } from './workload.ts';

const server = fileURLToPath(new URL('pouchdb-server.ts', import.meta.url));

/** PouchDB on LevelDB → express-pouchdb on LevelDB. It sends the newest revision of each document. */
export const pouchdb: DrainSubject = {
  name: 'PouchDB → express-pouchdb',
  setup: 'in work before the outage, LevelDB on both sides, batches of 500, no fsync, newest revisions only',
  missing: () => null,
  async run(workload) {
    await using stack = new AsyncDisposableStack();
    const folder = tempDir(stack);
    const port = await freePort();
    await startListening(stack, [process.execPath, server, String(port), folder], port);
    const proxy = stack.use(await startCountingProxy(port));
    const near = new PouchDB(`${folder}/near`);
    stack.defer(() => near.close());
    const replicate = () => near.replicate.to(`http://127.0.0.1:${proxy.port}/far`, { batch_size: 500 });
    const warmUp = createWarmUp();
    await proxy.open();
    await write(near, warmUp);
    await replicate();
    await proxy.shut();
    await write(near, workload);
    await proxy.open();
    const { doc_write_failures: failures } = await replicate();
    const endedAt = Date.now();
    const { firstAt, bytesUp, bytesDown } = await proxy.counted();
    const response = await fetch(`http://127.0.0.1:${port}/far`);
    const { doc_count: stored } = (await response.json()) as { doc_count: number };
    if (failures > 0 || stored !== workload.orders + warmUp.orders)
      throw new Error(`${stored} arrived, ${failures} failed`);
    return { drainMs: endedAt - (firstAt ?? endedAt), bytesUp, bytesDown, arrived: workload.orders };
  },
};

async function write(near: PouchDB, { snapshots, orders }: Workload): Promise<void> {
  let revisions = new Map<string, string>();
  for (let i = 0; i < snapshots.length; i += orders) {
    const docs = snapshots.slice(i, i + orders).map(({ orderId, payload }) => {
      const revision = revisions.get(orderId);
      return {
        _id: orderId,
        ...(revision !== undefined && { _rev: revision }),
        payload: JSON.parse(payload) as unknown,
      };
    });
    const rows = await near.bulkDocs(docs);
    revisions = new Map(rows.map(({ id = '', rev = '' }) => [id, rev]));
  }
}
