import { randomBytes } from 'node:crypto';
import { openDatabase } from '@sgp/service-kit/database';
import test from 'ava';
import { outboxContract } from './support/outbox-contract.ts';

outboxContract(test, 'PostgreSQL', async (stack) => {
  const serverUrl = process.env['TEST_POSTGRES_URL'];
  if (!serverUrl) throw new Error('TEST_POSTGRES_URL is not set: npm test sets it.');
  const server = stack.adopt(openDatabase(serverUrl, { durability: 'full' }), (open) => open.destroy());
  const name = `outbox_${randomBytes(6).toString('hex')}`;
  await server.raw(`create database ${name}`);
  stack.defer(() => server.raw(`drop database ${name} with (force)`));
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return stack.adopt(openDatabase(url.href, { durability: 'full' }), (open) => open.destroy());
});
