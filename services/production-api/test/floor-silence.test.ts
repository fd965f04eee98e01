import { limits } from '@sgp/shared/limits';
import test from 'ava';
import { openTelemetryDb } from '../src/db.ts';
import type { Outcome } from '../src/floor/outcome.ts';
import { signalOf } from '../src/floor/signal.ts';
import { watchSilence } from '../src/floor/silence.ts';
import { unheardStatus } from '../src/floor/status.ts';
import { createTelemetryWriter } from '../src/floor/telemetry-writer.ts';
import { openFloor } from './floor-contract.ts';

const now = 1_800_000_000_000;
const limit = limits.machineSilentAfterMs;

test('the signal says what can be believed, and since when', (t) => {
  const spoke = { ...unheardStatus, lastMessageAt: now - 1 };
  t.deepEqual(signalOf(unheardStatus, null, now), { signal: 'never', signalSince: null });
  t.deepEqual(signalOf({ ...unheardStatus, online: true, onlineSince: now }, null, now).signal, 'never');
  t.deepEqual(signalOf({ ...spoke, online: true, onlineSince: 7 }, null, now), { signal: 'online', signalSince: 7 });
  t.deepEqual(signalOf({ ...spoke, online: false, onlineSince: 9 }, null, now), { signal: 'offline', signalSince: 9 });
  t.deepEqual(signalOf(spoke, 5, now), { signal: 'revoked', signalSince: 5 });
  const quiet = { ...unheardStatus, online: true, onlineSince: 7, lastMessageAt: now - limit - 1 };
  t.deepEqual(signalOf(quiet, null, now), { signal: 'silent', signalSince: now - limit - 1 });
  t.is(
    signalOf({ ...quiet, onlineSince: now - limit }, null, now).signal,
    'online',
    'it connected a while ago and may speak yet',
  );
  t.is(signalOf({ ...spoke, online: null }, null, now).signal, 'online', 'a broker that tells no presence');
});

test('a machine that falls silent gets one line, which says since when', async (t) => {
  const db = await openTelemetryDb('sqlite::memory:');
  const { ingest, live, store } = await openFloor(db);
  const at = Date.now() - limit - 60_000;
  const payload = Buffer.from(JSON.stringify({ ts: at, state: 'running' }));
  await ingest.commit([{ topic: 'sgp/matriz/m1/up/state', payload, retain: false, receivedAt: at }]);
  const told = Promise.withResolvers<Outcome>();
  let times = 0;
  const watch = watchSilence({
    machineIds: () => ['m1', 'm2'],
    writer: createTelemetryWriter(db),
    live,
    committed(outcome) {
      times += 1;
      told.resolve(outcome);
    },
    log: { warn() {} },
  });
  const outcome = await told.promise;
  t.like(outcome.lines.get('m1')?.[0], { kind: 'signal', code: 'silent', data: { since: at } });
  await watch[Symbol.asyncDispose]();
  t.is(times, 1);
  t.is((await store.log('m1', { limit: 10 })).lines.filter(({ code }) => code === 'silent').length, 1);
  await db.destroy();
});
