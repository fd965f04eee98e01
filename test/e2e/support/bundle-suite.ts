import { randomBytes } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { newId } from '@sgp/service-kit/ids';
import type { AppError, ErrorCode } from '@sgp/shared/errors';
import { limits } from '@sgp/shared/limits';
import type { ExecutionContext, TestFn } from 'ava';
import { isConsistent } from '../../../services/production-api/test/support/edge-consistency.ts';
import type { DatabaseMaker } from '../../../services/vps-mirror/test/support/databases.ts';
import { createEdge, helloOf } from '../../../services/vps-mirror/test/support/edge.ts';
import { call, metric } from '../../../services/vps-mirror/test/support/mirror.ts';
import { createRandom } from '../../simulation/random.ts';
import {
  areEqual,
  type BundleWorld,
  claimsOf,
  coreState,
  fileOf,
  linesOf,
  openBundleWorld,
  outcomesOf,
  type Shop,
  shopState,
} from './bundle-world.ts';

const dayMs = 24 * 60 * 60_000;

/** Refuses a file with one of these codes, and keeps nothing of it. */
async function isRefused(
  t: ExecutionContext,
  world: BundleWorld,
  file: Uint8Array,
  codes: readonly ErrorCode[],
  what: string,
): Promise<void> {
  const before = await coreState(world.bench);
  const { code } = await world.bring(file);
  t.true(code !== null && codes.includes(code), `${what}: ${code}`);
  t.is(await coreState(world.bench), before, `${what}: nothing was kept`);
  // The address would be shut out after so many wrong signatures.
  world.bench.mirror.clock.offsetMs += 10 * 60_000;
}

async function isNotSettled(
  t: ExecutionContext,
  shop: Shop,
  ack: Buffer,
  codes: readonly ErrorCode[],
  what: string,
): Promise<void> {
  const before = await shopState(shop.db);
  const error = await t.throwsAsync<AppError>(shop.settle(ack));
  t.true(error !== undefined && codes.includes(error.code), `${what}: ${error?.code}`);
  t.is(await shopState(shop.db), before, `${what}: nothing was changed`);
}

/** Orders in several versions and entries that are written once: the file has a batch of each stream. */
async function fill({ writer, audit }: Shop, orders: number): Promise<void> {
  for (let n = 0; n < orders; n += 1) await writer.write();
  const [first] = writer.versions.keys();
  if (first !== undefined) await writer.write(first);
  await audit();
}

/** All that can be wrong with a file whose bytes were changed; what changed decides which is met first. */
const brokenFile: readonly ErrorCode[] = [
  ...(['BUNDLE_INVALID', 'DIGEST_MISMATCH', 'SIG_MISSING', 'SIG_MALFORMED', 'SIG_POLICY', 'SIG_INVALID'] as const),
  ...(['SIG_KEY_UNKNOWN', 'BODY_INVALID', 'CONTENT_TYPE_UNSUPPORTED'] as const),
];

export function bundleSuite(test: TestFn, makeDatabase: DatabaseMaker): void {
  const open = (stack: AsyncDisposableStack): Promise<BundleWorld> => openBundleWorld(stack, makeDatabase);

  test.serial(
    'what waits travels as a file: its acknowledgement empties the queue, and both sides are equal',
    async (t) => {
      await using stack = new AsyncDisposableStack();
      const world = await open(stack);
      const { shop, bench } = world;
      await fill(shop, 7);
      const file = await shop.write();
      t.is(file.changes, 8, 'of an order in two versions only the newest');
      t.is(await shop.bundles.pending(), 9, 'a file alone settles nothing');
      const { status, bytes } = await world.bring(file.bytes);
      t.is(status, 200);
      t.deepEqual(new Set(outcomesOf(bytes)), new Set(['applied']));
      t.like(await shop.settle(bytes), { bundleId: file.bundleId, settled: 9, parked: 0, pending: 0 });
      t.is(shop.rings, 1);
      await areEqual(t, shop, bench);
      await isConsistent(t, shop.db);
      t.like(await shop.bundles.bundles.newest(shop.db), { bundleId: file.bundleId, settled: 9, parked: 0 });
      t.deepEqual(await shop.db('audit').where({ entity: 'bundle' }).orderBy('entry_id').pluck('action'), [
        'bundle_written',
        'bundle_settled',
      ]);
      t.is(await metric(bench.mirror.metrics, 'sgp_mirror_bundles_total'), 1);
      t.is(await metric(bench.mirror.metrics, 'sgp_mirror_changes_total', { outcome: 'applied' }), 8);
      t.is((await t.throwsAsync<AppError>(shop.write()))?.code, 'BUNDLE_EMPTY', 'and then there is nothing to carry');
    },
  );

  test.serial('the same file twice changes nothing and has one answer; taking that in twice is harmless', async (t) => {
    await using stack = new AsyncDisposableStack();
    const world = await open(stack);
    const { shop, bench } = world;
    await fill(shop, 5);
    const [one, other] = [await shop.write(), await shop.write()];
    const first = await world.bring(one.bytes);
    const state = await coreState(bench);
    const second = await world.bring(one.bytes);
    t.deepEqual(claimsOf(second.bytes), claimsOf(first.bytes));
    t.is(await coreState(bench), state);
    const again = await world.bring(other.bytes);
    t.deepEqual(new Set(outcomesOf(again.bytes)), new Set(['duplicate']), 'another file of the same changes');

    t.like(await shop.settle(second.bytes), { settled: 7, pending: 0 });
    t.like(await shop.settle(first.bytes), { settled: 0, parked: 0, pending: 0 });
    t.like(await shop.settle(again.bytes), { settled: 0, parked: 0, pending: 0 });
    t.like(await shop.bundles.bundles.find(shop.db, one.bundleId), { settled: 7 }, 'what it settled stays known');
    await areEqual(t, shop, bench);
    await isConsistent(t, shop.db);
  });

  test.serial('a version that is written between the file and its acknowledgement stays in the queue', async (t) => {
    await using stack = new AsyncDisposableStack();
    const world = await open(stack);
    const { shop, bench } = world;
    const changed = await shop.writer.write();
    await shop.writer.write();
    const file = await shop.write();
    await shop.writer.write(changed);
    const fresh = await shop.writer.write();
    t.like(await shop.settle((await world.bring(file.bytes)).bytes), { settled: 2, pending: 2 });
    t.deepEqual((await shop.db('outbox').pluck('entity_id')).sort(), [changed, fresh].sort());
    await isConsistent(t, shop.db);
    const next = await shop.write();
    t.like(await shop.settle((await world.bring(next.bytes)).bytes), { settled: 2, pending: 0 });
    await areEqual(t, shop, bench);
  });

  test.serial(
    'what the Core sets aside is set aside in the shop with its reason, and the rest is settled',
    async (t) => {
      await using stack = new AsyncDisposableStack();
      const world = await open(stack);
      const { shop } = world;
      await shop.writer.write();
      const bad = await shop.writer.write(newId(), (snapshot) => ({ ...snapshot, status: 'no such status' }));
      const { bytes } = await world.bring((await shop.write()).bytes);
      t.like(await shop.settle(bytes), { settled: 1, parked: 1, pending: 0 });
      t.like(await shop.db('outbox').first(), { entity_id: bad, parked_code: 'BODY_INVALID' });
      t.like(await shop.settle(bytes), { settled: 0, parked: 0 }, 'it is counted once');
      await isConsistent(t, shop.db);
    },
  );

  test.serial('a file that is cut, wherever that is, leaves no trace', async (t) => {
    await using stack = new AsyncDisposableStack();
    const world = await open(stack);
    await fill(world.shop, 12);
    const { bytes: file } = await world.shop.write();
    const seed = 20_261_126;
    const random = createRandom(seed);
    for (let n = 0; n < 25; n += 1) {
      const length = random.int(0, file.length - 1);
      await isRefused(t, world, file.subarray(0, length), ['BUNDLE_INVALID'], `seed ${seed}, ${length} bytes of it`);
    }
    const text = gunzipSync(file);
    for (let n = 0; n < 25; n += 1) {
      const length = random.int(0, text.length - 2);
      const cut = gzipSync(text.subarray(0, length));
      await isRefused(t, world, cut, ['BUNDLE_INVALID'], `seed ${seed}, ${length} bytes of its text`);
    }
    const lines = linesOf(file);
    for (let n = 0; n < lines.length; n += 1)
      await isRefused(t, world, fileOf(lines.slice(0, n)), ['BUNDLE_INVALID'], `${n} lines`);
    t.is((await world.bring(file)).status, 200, 'the whole file is taken after all of this');
  });

  test.serial('a file in which one bit is another leaves no trace', async (t) => {
    await using stack = new AsyncDisposableStack();
    const world = await open(stack);
    await fill(world.shop, 12);
    const { bytes: file } = await world.shop.write();
    const seed = 4711;
    const random = createRandom(seed);
    const flip = (bytes: Buffer, at: number): Buffer => {
      const flipped = Buffer.from(bytes);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << random.int(0, 4));
      return flipped;
    };
    const gzipHeaderBytes = 10;
    for (let n = 0; n < 20; n += 1) {
      const at = random.int(gzipHeaderBytes, file.length - 1);
      await isRefused(t, world, flip(file, at), brokenFile, `seed ${seed}, byte ${at}`);
    }
    const text = gunzipSync(file);
    for (let n = 0; n < 60; n += 1) {
      const at = random.int(0, text.length - 2);
      await isRefused(t, world, gzipSync(flip(text, at)), brokenFile, `seed ${seed}, byte ${at} of its text`);
    }
    t.is((await world.bring(file)).status, 200);
  });

  test.serial('a file whose lines are swapped, left out, doubled or of another file leaves no trace', async (t) => {
    await using stack = new AsyncDisposableStack();
    const world = await open(stack);
    await fill(world.shop, 3);
    const [one, other] = [linesOf((await world.shop.write()).bytes), linesOf((await world.shop.write()).bytes)];
    const [opening, first, second, seal] = one as [string, string, string, string];
    t.is(one.length, 4);
    const files: Record<string, readonly string[]> = {
      'two batches swapped': [opening, second, first, seal],
      'a batch left out': [opening, first, seal],
      'a batch doubled': [opening, first, first, second, seal],
      'a batch of another file': [opening, first, other[2] ?? '', seal],
      'the seal of another file': [opening, first, second, other[3] ?? ''],
      'the opening of another file': [other[0] ?? '', first, second, seal],
      'two openings': [opening, opening, first, second, seal],
      'something behind the seal': [opening, first, second, seal, first],
      'the seal twice': [opening, first, second, seal, seal],
      'no opening': [first, second, seal],
      'no seal': [opening, first, second],
      'an empty line': [opening, '', first, second, seal],
    };
    for (const [what, lines] of Object.entries(files))
      await isRefused(t, world, fileOf(lines), ['BUNDLE_INVALID'], what);
    await isRefused(t, world, Buffer.from('{"kind":"opening"}'), ['BUNDLE_INVALID'], 'no gzip');
    await isRefused(t, world, Buffer.alloc(0), ['BUNDLE_INVALID'], 'nothing at all');
  });

  test.serial('a file that inflates without end is refused before it fills anything', async (t) => {
    await using stack = new AsyncDisposableStack();
    const world = await open(stack);
    await fill(world.shop, 1);
    const [opening] = linesOf((await world.shop.write()).bytes);
    const zeros = Buffer.alloc(limits.bundleLineMaxBytes + 1, '0');
    await isRefused(t, world, gzipSync(zeros), ['BODY_TOO_LARGE'], 'one line without end');
    await isRefused(
      t,
      world,
      gzipSync(Buffer.concat([Buffer.from(`${opening}\n`), zeros])),
      ['BODY_TOO_LARGE'],
      'later',
    );
    const large = Buffer.concat([gzipSync('{}\n'), randomBytes(limits.bundleFileMaxBytes)]);
    await isRefused(t, world, large, ['BODY_TOO_LARGE', 'BUNDLE_INVALID'], 'a file above the limit');
  });

  test.serial('a file is taken for 45 days, and one that is older is refused', async (t) => {
    await using stack = new AsyncDisposableStack();
    const world = await open(stack);
    const { shop, bench } = world;
    await fill(shop, 2);
    const { bytes } = await shop.write();
    bench.mirror.clock.offsetMs = 47 * dayMs;
    await isRefused(t, world, bytes, ['BUNDLE_EXPIRED'], 'too old');
    bench.mirror.clock.offsetMs = -2 * dayMs;
    await isRefused(t, world, bytes, ['BUNDLE_EXPIRED'], 'of a clock two days ahead');
    bench.mirror.clock.offsetMs = 44 * dayMs;
    t.is((await world.bring(bytes)).status, 200);
  });

  test.serial('a file of a node that is unknown, banned, or speaks for another shop is refused', async (t) => {
    await using stack = new AsyncDisposableStack();
    const world = await open(stack);
    const { shop, bench } = world;
    await fill(shop, 2);
    const { bytes } = await shop.write();
    const stranger = await world.openShop('stranger', createEdge());
    await fill(stranger, 1);
    await isRefused(t, world, (await stranger.write()).bytes, ['SIG_KEY_UNKNOWN'], 'never enrolled');

    const neighbour = bench.enrol(createEdge());
    const thief = await world.openShop('thief', {
      ...neighbour,
      record: { ...neighbour.record, companyId: bench.edge.record.companyId, nodeId: bench.edge.record.nodeId },
    });
    await fill(thief, 1);
    await isRefused(t, world, (await thief.write()).bytes, ['TENANT_MISMATCH'], 'in the name of another shop');
    const forged = await world.openShop('forged', {
      ...neighbour,
      record: { ...bench.edge.record, keys: neighbour.record.keys },
    });
    await fill(forged, 1);
    await isRefused(t, world, (await forged.write()).bytes, ['SIG_KEY_UNKNOWN'], 'by a key of another node');

    bench.license.records.set(bench.edge.record.shortId, { ...bench.edge.record, status: 'banned' });
    await isRefused(t, world, bytes, ['NODE_BANNED'], 'banned');
    bench.license.records.set(bench.edge.record.shortId, bench.edge.record);
    bench.mirror.clock.offsetMs += dayMs / 24;
    t.is((await world.bring(bytes)).status, 200, 'once the ban is lifted, nothing was lost');
  });

  test.serial(
    'a file of an earlier start is taken; one of a former epoch, of a copy or of a fork is refused',
    async (t) => {
      await using stack = new AsyncDisposableStack();
      const world = await open(stack);
      const { shop, bench } = world;
      const hello = (overrides: object) =>
        call(bench, '/internal/sync/hello', helloOf(bench.edge, overrides as never, overrides), {
          nowMs: Date.now() + bench.mirror.clock.offsetMs,
        });
      await fill(shop, 2);
      const early = await shop.write();
      const start = await shop.db('sync_state').first('epoch', 'generation', 'instance_id');
      const { epoch, generation, instance_id: instanceId } = start;
      t.is((await hello({ epoch, generation: generation + 1, instanceId: newId(), lastSeq: 9 })).status, 200);
      t.is((await world.bring(early.bytes)).status, 200, 'its bridge was started again meanwhile');

      await shop.db('sync_state').update({ instance_id: newId() });
      await isRefused(t, world, (await shop.write()).bytes, ['NODE_SUPERSEDED'], 'two disks with one generation');
      await shop.db('sync_state').update({ instance_id: instanceId });

      const late = await shop.write();
      t.is((await hello({ epoch: newId(), generation: 1, instanceId: newId(), parentEpoch: epoch })).status, 200);
      await isRefused(t, world, late.bytes, ['NODE_SUPERSEDED'], 'of before the restore');
      await bench.mirror.db('node_sync').update({ forked_at: Date.now() });
      await isRefused(t, world, late.bytes, ['NODE_STATE_FORKED'], 'of a fork');
    },
  );

  test.serial(
    'an acknowledgement that is cut, changed, of another file or of another node changes nothing',
    async (t) => {
      await using stack = new AsyncDisposableStack();
      const world = await open(stack);
      const { shop, bench } = world;
      await fill(shop, 4);
      const [one, other] = [await shop.write(), await shop.write()];
      const ack = (await world.bring(one.bytes)).bytes;
      const otherAck = (await world.bring(other.bytes)).bytes;
      const neighbour = await world.openShop('neighbour', bench.enrol(createEdge()));
      await fill(neighbour, 4);
      const foreign = (await world.bring((await neighbour.write()).bytes)).bytes;

      const [head, first, second] = linesOf(ack) as [string, string, string];
      await isNotSettled(t, shop, foreign, ['BUNDLE_FOREIGN'], 'of another shop');
      await isNotSettled(
        t,
        shop,
        fileOf([head, ...linesOf(foreign).slice(1)]),
        ['SIG_INVALID'],
        'signed for another node',
      );
      await isNotSettled(t, shop, fileOf([head, ...linesOf(otherAck).slice(1)]), ['BUNDLE_INVALID'], 'of another file');
      await isNotSettled(t, shop, fileOf([head, second, first]), ['BUNDLE_INVALID'], 'swapped');
      await isNotSettled(t, shop, fileOf([head, first]), ['BUNDLE_INVALID'], 'without its last batch');
      await isNotSettled(t, shop, fileOf([head, first, second, second]), ['BUNDLE_INVALID'], 'a batch too many');
      await isNotSettled(t, shop, one.bytes, ['BUNDLE_INVALID'], 'the file itself');
      const seed = 815;
      const random = createRandom(seed);
      for (let n = 0; n < 25; n += 1) {
        const length = random.int(0, ack.length - 1);
        await isNotSettled(t, shop, ack.subarray(0, length), ['BUNDLE_INVALID'], `seed ${seed}, ${length} bytes of it`);
        const text = gunzipSync(ack);
        const at = random.int(0, text.length - 2);
        text[at] = (text[at] ?? 0) ^ 1;
        const codes = ['BUNDLE_INVALID', 'BUNDLE_FOREIGN', 'SIG_INVALID', 'SIG_KEY_UNKNOWN'] as const;
        await isNotSettled(t, shop, gzipSync(text), codes, `seed ${seed}, byte ${at} of its text`);
      }
      await shop.settle(ack);
      await areEqual(t, shop, bench);
    },
  );

  test.serial('files and acknowledgements in any order, any number of times, end in the newest versions', async (t) => {
    for (const seed of [1, 2, 3, 4]) {
      await using stack = new AsyncDisposableStack();
      const world = await open(stack);
      const { shop, bench } = world;
      const random = createRandom(seed);
      const files: Buffer[] = [];
      const acks: Buffer[] = [];
      const bring = async (file: Buffer): Promise<void> => {
        const { status, bytes, code } = await world.bring(file);
        t.is(status, 200, `seed ${seed}: ${code}`);
        acks.push(bytes);
      };
      for (let step = 0; step < 40; step += 1) {
        const known = [...shop.writer.versions.keys()];
        const what = random.int(0, 9);
        if (what < 4) await shop.writer.write(random.chance(0.6) ? random.pick([...known, newId()]) : newId());
        else if (what < 6 && (await shop.bundles.pending()) > 0) files.push((await shop.write()).bytes);
        else if (what < 8 && files.length > 0) await bring(random.pick(files));
        else if (acks.length > 0) await shop.settle(random.pick(acks));
      }
      for (const file of files.reverse()) await bring(file);
      for (const ack of acks.reverse()) await shop.settle(ack);
      if ((await shop.bundles.pending()) > 0) {
        await bring((await shop.write()).bytes);
        await shop.settle(acks.at(-1) as Buffer);
      }
      await areEqual(t, shop, bench);
      await isConsistent(t, shop.db);
      const rows: readonly { order_id: string; version: number }[] = await bench.mirror.db('orders');
      const there = Object.fromEntries(rows.map((row) => [row.order_id, row.version]));
      t.deepEqual(there, Object.fromEntries(shop.writer.versions), `seed ${seed}`);
    }
  });
}
