import { streamRules } from '@sgp/shared/sync';
import { changesPath } from '@sgp/shared/sync-downlink';
import type { TestFn } from 'ava';
import { Webhook } from 'standardwebhooks';
import { deliverDue } from '../../src/alerts/deliver-alerts.ts';
import { watchOnce } from '../../src/alerts/watch.ts';
import { type CompanyClient, openCompany } from './company.ts';
import type { DatabaseMaker } from './databases.ts';
import { askOf } from './down-reader.ts';
import { batchV2Of, createEdge, type Edge, helloOf, newInstance } from './edge.ts';
import { type AlertOptions, type Bench, call, openBench, startMirror } from './mirror.ts';
import { type Hook, type HookReceiver, startHookReceiver, startMailServer } from './receivers.ts';

const stepMs = 30_000;
const minutes = (n: number): number => n * 60_000;
export const settingsOf = (overrides: object = {}) => ({
  ...{ webhookUrl: null, emails: [], language: 'pt-BR', timeZone: 'America/Sao_Paulo' },
  ...overrides,
});

/** An establishment whose time a test moves on: it gives a sign of life each 30 s, or not. */
export type Watched = {
  readonly bench: Bench;
  readonly company: CompanyClient;
  /** Goes on for so long, and looks and delivers each 30 s, as the service does. */
  pass(ms: number, online: boolean): Promise<void>;
  beat(pending?: number): Promise<void>;
  readonly nowMs: () => number;
};

export async function openWatched(makeDatabase: DatabaseMaker, alerts: AlertOptions = {}) {
  const bench = await openBench(makeDatabase, { alerts });
  const { mirror, edge } = bench;
  const instance = newInstance(edge);
  let pushSeq = 0;
  const nowMs = (): number => Date.now() + mirror.clock.offsetMs;
  const watched: Watched & AsyncDisposable = {
    bench,
    company: await openCompany(mirror, edge.record.companyId),
    nowMs,
    async beat(pending = 0) {
      pushSeq += 1;
      const health = {
        ...{ pendingChanges: pending, oldestPendingAt: pending === 0 ? null : nowMs() - 1_000, parkedChanges: 0 },
        ...{ pendingMedia: 0, openConflicts: 0, diskFreeBytes: 40, diskTotalBytes: 100, version: '1.2.3' },
      };
      const batch = batchV2Of(edge, instance, { pushSeq }, [], { health, sentAtMs: nowMs() });
      const { status, text } = await call(bench, streamRules.orders.path, batch, { nowMs: nowMs() });
      if (status !== 200) throw new Error(text);
    },
    async pass(ms, online) {
      for (let passed = 0; passed < ms; passed += stepMs) {
        mirror.clock.offsetMs += stepMs;
        if (online) await watched.beat();
        await watchOnce(mirror.alerts.watch);
        await deliverDue(mirror.alerts.delivery);
      }
    },
    [Symbol.asyncDispose]: () => bench[Symbol.asyncDispose](),
  };
  const { status } = await call(bench, '/internal/sync/hello', helloOf(edge, instance));
  if (status !== 200) throw new Error('the edge was not greeted');
  await watched.pass(minutes(6), true);
  return watched;
}

const typesOf = ({ hooks }: HookReceiver): readonly string[] => hooks.map(({ body }) => JSON.parse(body).type);

/** What the mirror promises about outages and alerts, the same on every database. */
export function alertsSuite(test: TestFn, makeDatabase: DatabaseMaker): void {
  test.serial('an outage of 30 minutes: one alert and one recovery notice on each channel', async (t) => {
    await using receiver = await startHookReceiver();
    await using mail = await startMailServer();
    await using watched = await openWatched(makeDatabase, { mail: { url: mail.url, from: 'SGP <sgp@core.example>' } });
    const { company, bench } = watched;
    const { establishmentId, companyId } = bench.edge.record;
    const emails = ['ana@shop.example', 'bia@shop.example'];
    await company.call('PUT', '/api/company/alerts', settingsOf({ webhookUrl: receiver.url, emails }));
    await company.call('PUT', `/api/company/establishments/${establishmentId}`, { name: 'Loja Centro' });
    const { secret } = await company.post('/api/company/alerts/webhook-secret', { rotate: false });

    const lastContact = watched.nowMs();
    await watched.pass(minutes(6.5), false);
    t.is(receiver.hooks.length, 0, 'not before the flap delay is over');
    const during = (await company.get('/api/company/sync')).establishments[0];
    t.is(during.state, 'offline');
    t.true(Math.abs(during.noContactSince - lastContact) < 2_000);
    await watched.pass(minutes(23.5), false);
    t.deepEqual(typesOf(receiver), ['establishment.offline']);
    t.deepEqual(mail.mails.map(({ to }) => to[0]).sort(), emails);
    mail.mails.length = 0;
    bench.mirror.clock.offsetMs += 1_000;
    await watched.beat(37);
    await watchOnce(bench.mirror.alerts.watch);
    await watched.pass(minutes(10), true);
    t.deepEqual(typesOf(receiver), ['establishment.offline', 'establishment.recovered']);
    t.deepEqual(mail.mails.map(({ to }) => to[0]).sort(), emails);
    t.regex(mail.mails[0]?.raw ?? '', /^Subject: .*Loja_Centro.*voltou|^Subject: Loja Centro voltou/m);

    for (const { headers, body } of receiver.hooks) {
      t.true(isSignedBy(secret, { headers, body }));
      t.like(JSON.parse(body), { data: { companyId, establishmentId, establishmentName: 'Loja Centro' } } as never);
    }
    const [over] = (await company.get('/api/company/incidents')).incidents;
    t.is(over.peakPending, 37);
    t.true(Math.abs(over.endedAt - over.startedAt - minutes(30)) < 5_000);
    const { deliveries } = await company.get('/api/company/alerts');
    t.is(deliveries.length, 6);
    t.true(deliveries.every(({ state, tries }: { state: string; tries: number }) => state === 'sent' && tries === 1));
    const after = (await company.get('/api/company/sync')).establishments[0];
    t.like(after, { state: 'ok', openIncident: null, noContactSince: null });
    const csv = (await company.call('GET', '/api/company/incidents.csv')).text;
    t.regex(csv, /^\uFEFFEstabelecimento;Início;Fim;/);
    t.regex(csv, /\r\nLoja Centro;\d\d\/\d\d\/\d{4} \d\d:\d\d:\d\d;.*;30;.*;37;/);
  });

  test.serial('contact that comes and goes is one outage, one alert and one recovery notice', async (t) => {
    await using receiver = await startHookReceiver();
    await using watched = await openWatched(makeDatabase);
    await watched.company.call('PUT', '/api/company/alerts', settingsOf({ webhookUrl: receiver.url }));
    await watched.pass(minutes(8), false);
    for (let n = 0; n < 3; n += 1) {
      await watched.pass(minutes(1), true);
      await watched.pass(minutes(6), false);
    }
    t.deepEqual(typesOf(receiver), ['establishment.offline']);
    await watched.pass(minutes(5), true);
    t.deepEqual(typesOf(receiver), ['establishment.offline', 'establishment.recovered']);
    t.is((await watched.company.get('/api/company/incidents')).incidents.length, 1);
    await watched.pass(minutes(8), false);
    t.is(typesOf(receiver).length, 3, 'the next outage is another one');
  });

  test.serial('an outage that ends within the flap delay is listed and nobody is told', async (t) => {
    await using receiver = await startHookReceiver();
    await using watched = await openWatched(makeDatabase);
    await watched.company.call('PUT', '/api/company/alerts', settingsOf({ webhookUrl: receiver.url }));
    await watched.pass(minutes(6), false);
    await watched.pass(minutes(10), true);
    t.deepEqual(receiver.hooks, []);
    t.like((await watched.company.get('/api/company/incidents')).incidents, [{ alertedAt: null }] as never);
  });

  test.serial('nobody is told in a maintenance window; what outlasts it is told at its end', async (t) => {
    await using receiver = await startHookReceiver();
    await using watched = await openWatched(makeDatabase);
    const { company, nowMs } = watched;
    await company.call('PUT', '/api/company/alerts', settingsOf({ webhookUrl: receiver.url }));
    const span = { from: nowMs(), until: nowMs() + minutes(30), reason: 'nova fibra' };
    await company.post('/api/company/maintenance', { establishmentId: null, ...span });
    await watched.pass(minutes(20), false);
    await watched.pass(minutes(5), true);
    t.deepEqual(receiver.hooks, []);
    await watched.pass(minutes(10), false);
    t.deepEqual(typesOf(receiver), ['establishment.offline']);
    t.is((await company.get('/api/company/maintenance')).windows.length, 0);
  });

  test.serial('the absence of the Core itself is no outage of anybody', async (t) => {
    await using watched = await openWatched(makeDatabase);
    watched.bench.mirror.clock.offsetMs += minutes(30);
    await watched.pass(minutes(4), false);
    t.deepEqual((await watched.company.get('/api/company/incidents')).incidents, []);
    await watched.pass(minutes(2), false);
    t.is((await watched.company.get('/api/company/incidents')).incidents.length, 1, 'what stays away is found later');
  });

  test.serial('a node that the vendor stopped is no outage', async (t) => {
    await using watched = await openWatched(makeDatabase);
    const { mirror, edge } = watched.bench;
    const record = JSON.stringify({ ...edge.record, status: 'suspended' });
    await mirror.db('nodes').where({ short_id: edge.record.shortId }).update({ record });
    await watched.pass(minutes(8), false);
    t.deepEqual((await watched.company.get('/api/company/incidents')).incidents, []);
    t.is((await watched.company.get('/api/company/sync')).establishments[0].state, 'paused');
  });

  test.serial(
    'a receiver that fails is tried again with the same id and bytes; the recovery waits for the alert',
    async (t) => {
      await using receiver = await startHookReceiver();
      await using watched = await openWatched(makeDatabase);
      const { company } = watched;
      await company.call('PUT', '/api/company/alerts', settingsOf({ webhookUrl: receiver.url }));
      receiver.status = 302;
      await watched.pass(minutes(9), false);
      await watched.pass(minutes(8), true);
      const tries = receiver.hooks.length;
      t.true(tries >= 3);
      t.deepEqual([...new Set(typesOf(receiver))], ['establishment.offline'], 'a redirect is no delivery');
      t.is(new Set(receiver.hooks.map(({ headers, body }) => headers['webhook-id'] + body)).size, 1);
      const waiting = (await company.get('/api/company/alerts')).deliveries;
      t.like(waiting[1], { kind: 'alert', state: 'waiting', error: 'the receiver answered 302' });
      receiver.status = 200;
      await watched.pass(minutes(12), true);
      t.deepEqual(typesOf(receiver).slice(tries), ['establishment.offline', 'establishment.recovered']);
    },
  );

  test.serial('a message that nobody takes for three days is given up, and listed as such', async (t) => {
    await using receiver = await startHookReceiver();
    await using watched = await openWatched(makeDatabase);
    const { company, bench } = watched;
    await company.call('PUT', '/api/company/alerts', settingsOf({ webhookUrl: receiver.url }));
    receiver.status = 500;
    await watched.pass(minutes(8), false);
    for (let hour = 0; hour < 75; hour += 1) {
      bench.mirror.clock.offsetMs += minutes(60);
      await deliverDue(bench.mirror.alerts.delivery);
    }
    t.like((await company.get('/api/company/alerts')).deliveries, [{ state: 'given-up' }] as never);
    const tries = receiver.hooks.length;
    bench.mirror.clock.offsetMs += minutes(600);
    await deliverDue(bench.mirror.alerts.delivery);
    t.is(receiver.hooks.length, tries);
  });

  test.serial('a crash before or after a message went out loses none, and repeats it under its id', async (t) => {
    await using receiver = await startHookReceiver();
    await using watched = await openWatched(makeDatabase);
    const { mirror } = watched.bench;
    const { outbox, delivery } = mirror.alerts;
    await watched.company.call('PUT', '/api/company/alerts', settingsOf({ webhookUrl: receiver.url }));
    const deliver = async () => deliverDue(delivery);
    for (let n = 0; n < 16; n += 1) {
      mirror.clock.offsetMs += stepMs;
      await watchOnce(mirror.alerts.watch);
    }
    t.is((await outbox.claim(watched.nowMs())).length, 1);
    await deliver();
    t.is(receiver.hooks.length, 0, 'while it is claimed nobody else sends it');
    mirror.clock.offsetMs += minutes(1) + 1;
    const [claimed] = await outbox.claim(watched.nowMs());
    if (claimed) await delivery.channels.webhook?.send(claimed);
    mirror.clock.offsetMs += minutes(1) + 1;
    await deliver();
    t.is(receiver.hooks.length, 2);
    t.is(new Set(receiver.hooks.map(({ headers }) => headers['webhook-id'])).size, 1);
    mirror.clock.offsetMs += minutes(10);
    await deliver();
    t.is(receiver.hooks.length, 2);
  });

  test.serial('after a rotation the former secret signs too, for a day', async (t) => {
    await using receiver = await startHookReceiver();
    await using watched = await openWatched(makeDatabase);
    const { company, bench } = watched;
    await company.call('PUT', '/api/company/alerts', settingsOf({ webhookUrl: receiver.url }));
    const path = '/api/company/alerts/webhook-secret';
    const former = (await company.post(path, { rotate: false })).secret;
    const { secret, formerUntil } = await company.post(path, { rotate: true });
    t.not(secret, former);
    t.true(formerUntil > watched.nowMs());
    await watched.pass(minutes(8), false);
    const [hook] = receiver.hooks;
    t.deepEqual(
      [secret, former].map((each) => hook && isSignedBy(each, hook)),
      [true, true],
    );
    const other = await openCompany(bench.mirror);
    const foreign = (await other.post(path, { rotate: false })).secret;
    t.is(hook && isSignedBy(foreign, hook), false);
    bench.mirror.clock.offsetMs += minutes(24 * 60);
    t.is((await company.post(path, { rotate: false })).formerUntil, null);
    const rows = JSON.stringify(await bench.mirror.db('alert_settings'));
    t.false(rows.includes(secret.slice(6)), 'the database holds no secret');
  });

  test.serial(
    'the view of all establishments: both directions, pending, parked, skew, disk and availability',
    async (t) => {
      await using watched = await openWatched(makeDatabase);
      const { bench, company, nowMs } = watched;
      const { mirror, edge } = bench;
      await mirror.listed();
      await watched.beat(5);
      const sister = bench.enrol(createEdge({ companyId: edge.record.companyId }));
      await company.post('/api/company/users', { login: 'ana', name: 'Ana', role: 'desk' });
      await call({ mirror, edge: sister }, changesPath, askOf(sister), { tag: 'changes/1', nowMs: nowMs() });
      await company.post('/api/company/users', { login: 'bia', name: 'Bia', role: 'desk' });
      const { establishments } = await company.get('/api/company/sync');
      t.is(establishments.length, 2);
      const of = (each: Edge) =>
        establishments.find((one: { establishmentId: string }) => one.establishmentId === each.record.establishmentId);
      t.like(of(edge), {
        ...{ state: 'syncing', name: null, version: '1.2.3', diskFreeBytes: 40, diskTotalBytes: 100, forked: false },
        ...{ lastReceiptAt: null, openConflicts: 0 },
      });
      t.like(of(edge).up, { pending: 5, parked: 0, pendingMedia: 0 });
      t.true(Math.abs(of(edge).clockSkewMs) < 1_000);
      t.deepEqual(of(edge).availability, { day: 1, month: 1 });
      t.like(of(sister).down, { head: 2, acked: 0, pending: 2, parked: 0 });
      t.is(of(sister).state, 'late', 'a shop that only asks does not push');
      const other = await openCompany(mirror);
      t.deepEqual((await other.get('/api/company/sync')).establishments, []);
      t.is(
        (await other.call('PUT', `/api/company/establishments/${edge.record.establishmentId}`, { name: 'x' })).status,
        404,
      );
    },
  );
}

/** As the scheme's own library signs it. */
const isSignedBy = (secret: string, { headers, body }: Hook): boolean => {
  const at = new Date(Number(headers['webhook-timestamp']) * 1000);
  const signature = new Webhook(secret).sign(headers['webhook-id'] ?? '', at, body);
  return (headers['webhook-signature'] ?? '').split(' ').includes(signature);
};

/** Two replicas that watch and deliver at the same moments. */
export async function passAtTwo(bench: Bench, ms: number, alerts: AlertOptions = {}): Promise<void> {
  await using second = await startMirror({ dir: bench.dir, dbUrl: bench.dbUrl, license: bench.license, alerts });
  for (let passed = 0; passed < ms; passed += stepMs) {
    bench.mirror.clock.offsetMs += stepMs;
    second.clock.offsetMs = bench.mirror.clock.offsetMs;
    const both = [bench.mirror, second];
    await Promise.all(both.map(({ alerts: { watch } }) => watchOnce(watch)));
    await Promise.all(both.map(({ alerts: { delivery } }) => deliverDue(delivery)));
  }
}
