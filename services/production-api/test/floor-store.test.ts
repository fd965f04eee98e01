import test from 'ava';
import { openTelemetryDb } from '../src/db.ts';
import { floorContract } from './floor-contract.ts';

floorContract(test, async (t) => {
  const db = await openTelemetryDb('sqlite::memory:');
  t.teardown(() => db.destroy());
  return db;
});
