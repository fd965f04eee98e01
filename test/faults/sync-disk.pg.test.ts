import { newId } from '@sgp/service-kit/ids';
import test from 'ava';
import { expectEqual } from './support/expect-equal.ts';
import { createFaultWorld, queueIsEmpty, until } from './support/fault-world.ts';
import { mayMount, mountSmallDisk } from './support/small-disk.ts';

const mib = 1024 * 1024;
const onRoot = mayMount ? test : test.skip;

onRoot(
  'the disk fills: at 90 % the bulk lane alone is refused; when nothing fits any more a write fails whole, and all that was accepted arrives once',
  async (t) => {
    await using stack = new AsyncDisposableStack();
    const disk = await mountSmallDisk(stack, 24 * mib);
    const world = await createFaultWorld(stack, { edgeDir: disk.folder });
    await world.bridge.start();
    for (let n = 0; n < 20; n += 1) await world.writer.write();
    await queueIsEmpty(world);
    const shedding = async (): Promise<boolean> =>
      Boolean((await world.db('outbox_head').where({ id: 1 }).first('shedding'))?.shedding);
    t.false(await shedding());

    await disk.fill(2 * mib);
    await until('the bulk lane is refused', shedding);
    for (let n = 0; n < 20; n += 1) await world.writer.write();
    await world.ring();
    await queueIsEmpty(world);

    world.line.set('cut');
    await disk.fill(64 * 1024);
    const refused = newId();
    const refusal = await until('the disk is full', () =>
      world.writer.write(refused).then(
        () => undefined,
        (error: NodeJS.ErrnoException) => error,
      ),
    );
    t.is(refusal.code, 'SQLITE_FULL');
    const accepted = world.writer.versions.size;
    t.is(
      await world
        .db('sync_entities')
        .where({ stream: 'orders' })
        .count({ n: '*' })
        .first()
        .then((row) => row?.['n']),
      accepted,
    );
    world.line.set('open');
    await world.status('that the disk is full is told', ({ error }) => error?.code === 'DISK_FULL');

    await disk.free();
    await until('the bulk lane is taken again', async () => !(await shedding()));
    for (let n = 0; n < 5; n += 1) await world.writer.write();
    await world.ring();
    await expectEqual(t, world);
  },
);
