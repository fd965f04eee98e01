import { openDatabase } from '@sgp/service-kit/database';
import test from 'ava';
import { outboxContract } from './support/outbox-contract.ts';
import { tempDir } from './support/temp-dir.ts';

outboxContract(test, 'SQLite', async (stack) => {
  const db = openDatabase(`sqlite:${await tempDir(stack)}/production.db`, { durability: 'full' });
  return stack.adopt(db, () => db.destroy());
});
