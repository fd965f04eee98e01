import { randomBytes } from 'node:crypto';
import { openDatabase } from '@sgp/service-kit/database';
import test from 'ava';
import { openTelemetryDb } from '../src/db.ts';
import { floorContract } from './floor-contract.ts';

floorContract(test, async (t) => {
  const serverUrl = process.env['TEST_POSTGRES_URL'];
  if (!serverUrl) throw new Error('TEST_POSTGRES_URL is not set: npm test sets it.');
  const name = `telemetry_${randomBytes(6).toString('hex')}`;
  const server = openDatabase(serverUrl, { durability: 'full' });
  await server.raw(`create database ${name}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  const db = await openTelemetryDb(url.href);
  t.teardown(async () => {
    await db.destroy();
    await server.raw(`drop database ${name} with (force)`);
    await server.destroy();
  });
  return db;
});
