import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readNodeIdentity } from '@sgp/auth/node-identity';
import { bundlePath } from '@sgp/shared/sync-bundle';
import test from 'ava';
import { openBundles } from '../src/bundle/open-bundles.ts';
import { isConsistent } from './support/edge-consistency.ts';
import { openStreams } from './support/streams.ts';
import { createSyncWorld, mirrorOrders, type SyncWorld, until } from './support/sync-world.ts';

/** A file beside a bridge that runs: real processes, and a line that can be cut. */

const actor = { userId: null, who: 'Ana', address: null };

function openFiles({ db, dir }: SyncWorld) {
  const identity = readNodeIdentity(dir);
  const { audit } = openStreams(db, identity);
  const bundles = openBundles({
    ...{ db, identity, nodeDir: dir, mirrorAuthority: 'mirror.example:443', audit, onSettled: () => undefined },
  });
  let files = 0;
  return {
    pending: bundles.pending,
    async write(): Promise<Buffer> {
      const path = join(dir, `file-${++files}.sgp`);
      await bundles.write(actor, { path });
      return readFile(path);
    },
    settle: (ack: Buffer) =>
      bundles.settle(actor, async function* () {
        yield ack;
      }),
  };
}

async function bring({ mirrorUrl }: SyncWorld, file: Buffer): Promise<Buffer> {
  const answer = await fetch(new URL(bundlePath, mirrorUrl), { method: 'POST', body: new Uint8Array(file) });
  const bytes = Buffer.from(await answer.arrayBuffer());
  if (!answer.ok) throw new Error(bytes.toString());
  return bytes;
}

const appliedTimes = async ({ mirrorDb }: SyncWorld): Promise<number> => {
  const acks: readonly string[] = await mirrorDb('push_batches').pluck('ack');
  return acks.flatMap((ack) => JSON.parse(ack).results).filter(({ outcome }) => outcome === 'applied').length;
};

test.serial(
  'what is written after the file travels over the line, and the file that comes late changes nothing',
  async (t) => {
    await using stack = new AsyncDisposableStack();
    const world = await createSyncWorld(stack);
    const files = openFiles(world);
    const changed = await world.writer.write();
    for (let n = 0; n < 20; n += 1) await world.writer.write();
    const [early, late] = [await files.write(), await files.write()];
    const ack = await bring(world, early);
    await world.writer.write(changed);
    await files.settle(ack);
    t.is(await files.pending(), 1, 'only the version that the file does not have');

    await world.startBridge();
    await until('the line brings it', async () => (await mirrorOrders(world)).get(changed) === 2);
    await until('the queue is empty', async () => (await files.pending()) === 0);
    await files.settle(await bring(world, late));
    await files.settle(ack);
    t.deepEqual(Object.fromEntries(await mirrorOrders(world)), Object.fromEntries(world.writer.versions));
    t.is(await appliedTimes(world), 22, 'each version that travelled was applied once');
    await isConsistent(t, world.db);
    await world.writer.write(changed);
    await until('the line goes on as ever', async () => (await mirrorOrders(world)).get(changed) === 3);
  },
);

test.serial(
  'files that are brought while the bridge pushes end as if the line alone had carried everything',
  async (t) => {
    await using stack = new AsyncDisposableStack();
    const world = await createSyncWorld(stack);
    const files = openFiles(world);
    world.wire.set('cut');
    await world.startBridge();
    const orders = await Promise.all(Array.from({ length: 30 }, () => world.writer.write()));
    const first = await files.write();
    for (const order of orders.slice(0, 10)) await world.writer.write(order);
    const second = await files.write();
    const acks = [await bring(world, second)];
    world.wire.set('open');
    await Promise.all([
      (async () => {
        for (const file of [first, second, first]) acks.push(await bring(world, file));
      })(),
      (async () => {
        for (const order of orders.slice(20)) await world.writer.write(order);
      })(),
    ]);
    for (const ack of acks) await files.settle(ack);
    await until('the queue is empty', async () => (await files.pending()) === 0);
    t.deepEqual(Object.fromEntries(await mirrorOrders(world)), Object.fromEntries(world.writer.versions));
    t.is((await world.mirrorDb('parked_changes')).length, 0);
    t.is((await world.db('conflicts')).length, 0, 'nothing was written over');
    await isConsistent(t, world.db);
  },
);
