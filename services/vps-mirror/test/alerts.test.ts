import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { createLog } from '@sgp/service-kit/log';
import test from 'ava';
import type { Delivery } from '../src/alerts/alert-outbox.ts';
import { startDelivery } from '../src/alerts/deliver-alerts.ts';
import { availability } from '../src/alerts/incident-rules.ts';
import { isPublicAddress, publicLookup, targetFault } from '../src/alerts/public-address.ts';
import { startWatch } from '../src/alerts/watch.ts';
import { createWebhookChannel } from '../src/alerts/webhook.ts';
import { incidentsCsv } from '../src/company/incident-csv.ts';
import { stateOf } from '../src/company/sync-state.ts';
import { alertsSuite, openWatched, settingsOf } from './support/alerts-suite.ts';
import { freshSqlite } from './support/databases.ts';
import { startHookReceiver } from './support/receivers.ts';

alertsSuite(test, freshSqlite);

const hidden = [
  ...['0.0.0.0', '10.1.2.3', '100.64.0.1', '127.0.0.1', '169.254.169.254', '172.31.0.1', '192.168.1.1', '198.18.0.1'],
  ...['224.0.0.1', '255.255.255.255', '::', '::1', 'fe80::1', 'fc00::1', 'fd12::1', 'ff02::1', '64:ff9b::7f00:1'],
  ...['::ffff:127.0.0.1', '::ffff:7f00:1', '2002:7f00:1::', '2001:db8::1', '2001::1', '3fff::1', 'localhost', ''],
];

test('only addresses of the public Internet are public', (t) => {
  for (const address of hidden) t.false(isPublicAddress(address), address);
  for (const address of ['8.8.8.8', '172.32.0.1', '192.0.1.1', '2606:4700::1111', '2a00:1450::1'])
    t.true(isPublicAddress(address), address);
});

test('a webhook goes to https alone, and to no hidden address however it is written', (t) => {
  const refused = [
    'http://example.com/',
    'ftp://example.com',
    'https://u:p@example.com',
    'https://127.1/',
    'https://0x7f000001',
  ];
  for (const url of [...refused, 'https://2130706433/', 'https://[::1]/', 'https://[::ffff:10.0.0.1]/'])
    t.not(targetFault(new URL(url)), null, url);
  t.is(targetFault(new URL('https://example.com/hook')), null);
});

test.serial('a name that resolves to a hidden address is refused before anything is sent', async (t) => {
  let connections = 0;
  const server = createServer((_request, response) => response.end());
  server.on('connection', () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const { port } = server.address() as AddressInfo;
  const channel = createWebhookChannel({ secretsOf: async () => ['whsec_AAAA'], targets: 'public', now: Date.now });
  const message: Omit<Delivery, 'target'> = {
    ...{ messageId: 'm', companyId: 'c', incidentId: 'i', content: '{}' },
    kind: 'alert',
    channel: 'webhook',
    ...{ createdAt: 0, tries: 1, dueAt: 0, sentAt: null, error: null },
  };
  await t.throwsAsync(channel.send({ ...message, target: `https://localhost:${port}/` }), { message: /public/ });
  await t.throwsAsync(channel.send({ ...message, target: `https://127.0.0.1:${port}/` }), { message: /public/ });
  t.is(connections, 0);
  server.close();
});

test('a connection goes to the addresses that were judged, in the form that it asked for', async (t) => {
  const lookup = (host: string, all: boolean) =>
    new Promise((resolve, reject) => {
      publicLookup(host, { all }, (error, address) => (error ? reject(error) : resolve(address)));
    });
  t.is(await lookup('8.8.8.8', false), '8.8.8.8');
  t.deepEqual(await lookup('8.8.8.8', true), [{ address: '8.8.8.8', family: 4 }]);
  for (const all of [true, false]) await t.throwsAsync(lookup('10.0.0.1', all), { message: /public/ });
});

test.serial('watching and sending go on by themselves, and end when they are closed', async (t) => {
  await using receiver = await startHookReceiver();
  await using watched = await openWatched(freshSqlite);
  const { mirror } = watched.bench;
  await watched.company.call('PUT', '/api/company/alerts', settingsOf({ webhookUrl: receiver.url }));
  await watched.pass(6.5 * 60_000, false);
  mirror.clock.offsetMs += 59_000;
  const log = createLog('vps-mirror-test', 'silent');
  {
    await using delivery = startDelivery(mirror.alerts.delivery);
    await using _watch = startWatch({ ...mirror.alerts.watch, log, onTold: delivery.wake });
    while (receiver.hooks.length === 0) await setImmediate();
  }
  t.is(receiver.hooks.length, 1);
  t.like((await watched.company.get('/api/company/alerts')).deliveries, [{ state: 'sent' }] as never);
});

test.serial('settings that cannot work are refused', async (t) => {
  await using watched = await openWatched(freshSqlite, { targets: 'public' });
  for (const wrong of [
    { webhookUrl: 'http://example.com/' },
    { webhookUrl: 'https://192.168.0.1/' },
    { webhookUrl: 'https://example.com/', timeZone: 'Mars/Base' },
    { emails: ['ana@shop.example'] },
    { emails: ['not an address'] },
  ])
    t.is((await watched.company.call('PUT', '/api/company/alerts', settingsOf(wrong))).code, 'BODY_INVALID');
  const right = await watched.company.call(
    'PUT',
    '/api/company/alerts',
    settingsOf({ webhookUrl: 'https://example.com/' }),
  );
  t.is(right.status, 200);
});

test('availability counts what overlaps the span, an outage that lasts until its end', (t) => {
  const span = { from: 1_000, until: 2_000 };
  t.is(availability([], span), 1);
  t.is(availability([{ startedAt: 500, endedAt: 1_250 }], span), 0.75);
  t.is(availability([{ startedAt: 1_500, endedAt: null }], span), 0.5);
  t.is(availability([{ startedAt: 0, endedAt: 900 }], span), 1);
  t.is(availability([], { from: 5, until: 5 }), null);
});

test('the state of an establishment is the first that holds', (t) => {
  const nowMs = 10 * 60_000;
  const well = {
    ...{ active: true, forked: false, contactAt: nowMs, lastPushAt: nowMs, parked: 0, pending: 0 },
    ...{ oldestPendingAt: null, outage: false },
  };
  const cases = [
    [{}, 'ok'],
    [{ pending: 3, oldestPendingAt: nowMs - 1_000 }, 'syncing'],
    [{ pending: 3, oldestPendingAt: nowMs - 121_000 }, 'late'],
    [{ lastPushAt: nowMs - 61_000 }, 'late'],
    [{ lastPushAt: null }, 'late'],
    [{ parked: 1 }, 'failed'],
    [{ parked: 1, contactAt: nowMs - 300_000 }, 'offline'],
    [{ outage: true }, 'offline'],
    [{ contactAt: null }, 'unknown'],
    [{ forked: true }, 'failed'],
    [{ active: false, forked: true }, 'paused'],
  ] as const;
  for (const [facts, state] of cases) t.is(stateOf({ ...well, ...facts }, nowMs), state);
});

test('a spreadsheet runs nothing that a name says', (t) => {
  const incident = {
    incidentId: 'i',
    establishmentId: 'e',
    startedAt: 0,
    endedAt: null,
    alertedAt: null,
    peakPending: 0,
  };
  const csv = incidentsCsv([incident], new Map([['e', '=HYPERLINK("x";"y")']]), { language: 'en', timeZone: 'UTC' });
  t.true(csv.includes('"\'=HYPERLINK(""x"";""y"")"'));
});
