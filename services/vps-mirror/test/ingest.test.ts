import { gzipSync, zstdCompressSync } from 'node:zlib';
import { limits } from '@sgp/shared/limits';
import test from 'ava';
import { createBulkGate } from '../src/ingest/bulk-gate.ts';
import { inflate } from '../src/ingest/decode-batch.ts';
import { createPushLimiter } from '../src/ingest/push-limiter.ts';
import { createStrikeLimiter } from '../src/ingest/strike-limiter.ts';
import { mirrorLimits } from '../src/mirror-limits.ts';

test('a node drains its reserve of pushes at once and then gets ten a second, whatever another node does', (t) => {
  let nowMs = 1_800_000_000_000;
  const limiter = createPushLimiter(() => nowMs);
  for (let i = 0; i < mirrorLimits.pushesPerNodeReserveMax; i += 1) limiter.take('a');
  t.throws(() => limiter.take('a'), { message: /too often/ });
  limiter.take('b');
  nowMs += 1000;
  for (let i = 0; i < mirrorLimits.pushesPerNodeMaxPerSecond; i += 1) limiter.take('a');
  t.throws(() => limiter.take('a'), { message: /too often/ });
});

test('large pushes take turns, few at once and in the order they came; small ones pass, and too many are sent away', async (t) => {
  const gate = createBulkGate();
  const large = mirrorLimits.smallPushMaxBytes + 1;
  const inside = await Promise.all(Array.from({ length: mirrorLimits.bulkPushesAtOnceMax }, () => gate.enter(large)));
  const entered: number[] = [];
  const waiting = Array.from({ length: mirrorLimits.bulkPushesWaitingMax }, async (_, n) => {
    using _place = await gate.enter(large);
    entered.push(n);
  });
  await t.throwsAsync(gate.enter(large), { message: /nothing of this push was kept/ });
  using _small = await gate.enter(mirrorLimits.smallPushMaxBytes);
  t.deepEqual(entered, []);
  for (const place of inside) place[Symbol.dispose]();
  await Promise.all(waiting);
  t.deepEqual(
    entered,
    Array.from(waiting, (_, n) => n),
  );
  using _again = await gate.enter(large);
});

test('watching addresses takes a bounded memory: the one that was quiet longest is forgotten first', (t) => {
  const limiter = createStrikeLimiter(() => 1_800_000_000_000);
  const ban = (address: string): void => {
    for (let i = 0; i < mirrorLimits.badCredentialsPerIpMax; i += 1) limiter.strike(address);
  };
  ban('first');
  t.throws(() => limiter.check('first'), { message: /wait/ });
  for (let i = 0; i < mirrorLimits.watchedAddressesMax; i += 1) limiter.strike(`address ${i}`);
  t.notThrows(() => limiter.check('first'));
});

test('gzip and zstd are inflated up to the same ceiling, small bodies and large ones alike', async (t) => {
  const small = Buffer.from('{"small":true}');
  const large = Buffer.from(Array.from({ length: 40_000 }, (_, i) => String((i * 7919) % 65_521)).join());
  for (const [encoding, compress] of [
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
  ] as const) {
    for (const bytes of [small, large]) t.deepEqual(await inflate(compress(bytes), encoding), bytes, encoding);
    const bomb = compress(Buffer.alloc(limits.pushInflatedMaxBytes + 1));
    await t.throwsAsync(inflate(bomb, encoding), { message: /more than the limit/ }, encoding);
    await t.throwsAsync(inflate(Buffer.from('junk'), encoding), { message: /cannot be inflated/ }, encoding);
  }
  await t.throwsAsync(inflate(small, 'br'), { message: /gzip and zstd/ });
  await t.throwsAsync(inflate(small, 'constructor'), { message: /gzip and zstd/ });
});
