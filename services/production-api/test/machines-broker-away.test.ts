import { setTimeout as sleep } from 'node:timers/promises';
import type { Machine, MachineCredential, RevokedMachine } from '@sgp/shared/api/machines';
import test from 'ava';
import type { MqttClient } from 'mqtt';
import { startFloorShop } from '../../../test/support/floor-shop.ts';

type Spans = { readonly spans: readonly { from: number; to: number; state: string | null; signal: boolean }[] };

/** The first answer that is good; the last one when none is in time. */
async function within<Value>(ask: () => Promise<Value>, good: (value: Value) => boolean): Promise<Value> {
  const deadline = performance.now() + 20_000;
  for (;;) {
    const value = await ask();
    if (good(value) || performance.now() > deadline) return value;
    await sleep(20);
  }
}

test('what is revoked or replaced while the broker is away says that it waits, and holds when the broker is back', async (t) => {
  await using stack = new AsyncDisposableStack();
  const shop = await startFloorShop(stack);
  const one = await shop.register('um');
  const two = await shop.register('dois');
  await shop.killBroker();
  const path = ({ machine }: MachineCredential) => `/api/machines/${machine.machineId}/credential`;
  const revoked = await shop.call<RevokedMachine>('DELETE', path(one));
  t.false(revoked.enforced, 'nobody could confirm it');
  t.is(revoked.signal, 'revoked', 'it is stored');
  const rotated = await shop.call<MachineCredential>('POST', path(two));
  t.false(rotated.enforced);
  await shop.startBroker();
  const again = await within(
    () => shop.call<RevokedMachine>('DELETE', path(one)),
    ({ enforced }) => enforced,
  );
  t.true(again.enforced);
  await t.throwsAsync(shop.connect(one.credential), { message: /Not authorized|Bad username or password/ });
  await t.throwsAsync(shop.connect(two.credential), { message: /Not authorized|Bad username or password/ });
  await shop.connect(rotated.credential);
});

test('the time in which the whole PC was off is no signal, after kill -9 of both processes', async (t) => {
  await using stack = new AsyncDisposableStack();
  const shop = await startFloorShop(stack);
  const registered = await shop.register('bordadeira');
  const { machineId } = registered.machine;
  const run = async (state: string): Promise<MqttClient> => {
    const client = await shop.connect(registered.credential);
    client.on('error', () => {}); // the broker dies under it
    const topic = `${registered.credential.topicPrefix}/state`;
    await client.publishAsync(topic, JSON.stringify({ ts: Date.now(), state }), { qos: 1, retain: true });
    return client;
  };
  const asked = Date.now();
  const spans = async (to: number) =>
    (await shop.call<Spans>('GET', `/api/machines/${machineId}/states?from=${asked}&to=${to}`)).spans;
  const client = await run('running');
  const spoke = Date.now() + 1;
  const telemetry = JSON.stringify({ ts: spoke, values: { speed: 1 } });
  await client.publishAsync(`${registered.credential.topicPrefix}/telemetry`, telemetry, { qos: 1 });
  const heard = await within(
    () => shop.call<Machine>('GET', `/api/machines/${machineId}`),
    ({ lastMessageAt }) => lastMessageAt === spoke,
  );
  t.is(heard.lastMessageAt, spoke);

  await Promise.all([shop.killProduction(), shop.killBroker()]);
  const off = Date.now();
  await sleep(2_000);
  const on = Date.now();
  await shop.startBroker();
  await shop.startProduction();
  await run('idle');
  const after = await within(
    () => spans(Date.now()),
    (found) => found.some(({ state }) => state === 'idle'),
  );
  t.is(after.at(-1)?.state, 'idle');
  t.true(
    after.some(({ from, state }) => state === 'running' && from < off),
    'what was seen stays',
  );
  const known = (list: Spans['spans']) => list.filter(({ from, to, signal }) => signal && from < on && to > off);
  t.deepEqual(known(after), [], 'nobody saw the machine while the PC was off');
  t.deepEqual(known(await spans(on)), [], 'also where the time shown ends before the PC came back');
});
