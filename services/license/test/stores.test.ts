import test from 'ava';
import { openLicenseDatabase } from '../src/db.ts';
import { storeContract } from './support/store-contract.ts';

storeContract(test, async (t) => {
  const db = await openLicenseDatabase('sqlite::memory:');
  t.teardown(() => db.destroy());
  return db;
});
