import { decide } from '@sgp/sync-engine/inbox-down';
import test from 'ava';
import { stamp } from './support.ts';

const [before, after] = ['epoch 1', 'epoch 2'];
const row = { version: 5, updatedAt: stamp(500), hash: 'a', coreEpoch: before };
const cases = [
  ['an unknown entity is applied', null, { ...row }, 'applied'],
  ['what came is a duplicate', row, { ...row }, 'duplicate'],
  ['a newer version is applied', row, { ...row, version: 6, updatedAt: stamp(600), hash: 'b' }, 'applied'],
  ['an older version is stale', row, { ...row, version: 4, updatedAt: stamp(400), hash: 'b' }, 'stale'],
  ['another content of the version is parked', row, { ...row, updatedAt: stamp(600), hash: 'b' }, 'parked'],
  [
    'a restored Core gives a version anew under a later stamp: applied',
    row,
    { version: 4, updatedAt: stamp(600), hash: 'b', coreEpoch: after },
    'applied',
  ],
  [
    'a restored Core that repeats what came before is stale',
    row,
    { version: 4, updatedAt: stamp(400), hash: 'b', coreEpoch: after },
    'stale',
  ],
  ['the same content in another epoch is a duplicate', row, { ...row, coreEpoch: after }, 'duplicate'],
  ['two contents of one stamp are parked', row, { ...row, version: 4, hash: 'b', coreEpoch: after }, 'parked'],
] as const;

for (const [title, standing, change, outcome] of cases)
  test(`I21: ${title}`, (t) => {
    t.is(decide(standing, change).outcome, outcome);
  });
