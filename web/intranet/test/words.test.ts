import type { LogLine, Machine } from '@sgp/shared/api/machines';
import type { HistoryEntry } from '@sgp/shared/api/orders';
import { machineStates } from '@sgp/shared/floor-messages';
import type { orderStatuses } from '@sgp/shared/order-snapshot';
import { type SyncStatus, syncStates } from '@sgp/shared/sync';
import { uuidV7 } from '@sgp/shared/uuid';
import { errorTexts } from '@sgp/ui/error-texts';
import { createFormatters } from '@sgp/ui/format';
import { messageKeys } from '@sgp/ui/i18n';
import { words } from '@sgp/ui/words';
import test from 'ava';
import { availability, availabilitySlices, knownTime } from '../src/logic/availability.ts';
import { dueOf, dueStatus, orderStatus } from '../src/logic/due.ts';
import { historySentence, tellHistory } from '../src/logic/history.ts';
import { loginOf } from '../src/logic/login.ts';
import { logSentence } from '../src/logic/machine-log.ts';
import { machineStatus, mosquittoSnippet, slugOf } from '../src/logic/machine-status.ts';
import { syncHero } from '../src/logic/sync-hero.ts';
import { whatsappUrl } from '../src/logic/whatsapp.ts';
import { dictionaries } from '../src/messages/dictionary.ts';
import { order } from './support/orders.ts';

const format = createFormatters('pt-BR', 'America/Sao_Paulo');
const pt = dictionaries['pt-BR'];
/** Monday, 23 November 2026, 10:00 in São Paulo. */
const now = Date.parse('2026-11-23T13:00:00Z');
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

test('both languages have every text of the app', (t) => {
  t.deepEqual(messageKeys(dictionaries.en), messageKeys(pt));
});

test('an order is late by calendar days, and a ready one is neither late nor due', (t) => {
  const at = (promisedAt: number, status: (typeof orderStatuses)[number] = 'in_production') =>
    dueOf({ promisedAt, status }, now, format.daysUntil);
  t.deepEqual(at(now - 3 * DAY), { kind: 'late', days: 3 });
  t.deepEqual(at(now - HOUR), { kind: 'late', days: 0 });
  t.deepEqual(at(now + HOUR), { kind: 'today' });
  t.deepEqual(at(now + 2 * DAY), { kind: 'later', days: 2 });
  t.deepEqual(at(now - DAY, 'ready'), { kind: 'ready' });
  t.deepEqual(at(now + HOUR, 'ready'), { kind: 'ready' });
  t.deepEqual(at(now - DAY, 'delivered'), { kind: 'closed' });
});

test('a date gets colour only when a person must look', (t) => {
  const chip = (promisedAt: number) => dueStatus(order({ promisedAt, status: 'in_production' }), now, format, pt);
  t.like(chip(now - 3 * DAY), { tone: 'bad', text: '3 dias' });
  t.like(chip(now + HOUR), { tone: 'warn', text: '11:00' });
  t.is(chip(now + 2 * DAY), null);
});

test('status and stage are one chip, and the same word is not said twice', (t) => {
  t.is(
    orderStatus(
      order({ status: 'in_production', stage: { key: 'bordado', label: 'Bordado' } }),
      words['pt-BR'].orderStatus,
    ).text,
    'Em produção · Bordado',
  );
  t.is(orderStatus(order(), words['pt-BR'].orderStatus).text, 'Recebido');
});

test('a machine without signal is never drawn as stopped', (t) => {
  const chip = (signal: Machine['signal'], state: Machine['state']) =>
    machineStatus({ signal, state, stateSince: now - 6 * 60_000 }, now, pt, format);
  t.like(chip('online', 'stopped'), { tone: 'warn', text: 'Parada há 6 min' });
  for (const signal of ['silent', 'offline', 'never'] as const) {
    for (const state of machineStates) t.is(chip(signal, state).tone, 'unknown', `${signal} ${state}`);
  }
  t.is(chip('revoked', 'running').tone, 'bad');
});

test('the pasted line carries the machine’s own credential, quoted for the shell', (t) => {
  const line = mosquittoSnippet(
    {
      username: 'matriz.b2',
      clientId: 'matriz.b2',
      password: "a'b$c",
      host: '192.168.0.10',
      port: 1883,
      topicPrefix: 'sgp/matriz/b2/up',
    },
    5,
  );
  t.true(line.includes("-i 'matriz.b2'"));
  t.true(line.includes(`-P 'a'\\''b$c'`));
  t.true(line.includes(`-t 'sgp/matriz/b2/up/state' -m '{"ts":5,"state":"running"}'`));
});

test('names suggest short names and logins without accents', (t) => {
  t.is(slugOf('Bordadeira nº 2 (ção)'), 'bordadeiran2cao');
  t.is(loginOf('Tainá Souza'), 'taina');
});

test('a run of counts by one machine is told once, with its sum', (t) => {
  const count = (at: number, good: number, who = 'Bordadeira 1'): HistoryEntry => ({
    at,
    who,
    kind: 'count',
    data: { good, scrap: 0 },
  });
  const moved: HistoryEntry = { at: 25, who: 'Rosana', kind: 'moved', data: { to: 'Acabamento' } };
  const told = tellHistory([count(10, 1), count(20, 2), moved, count(30, 3), count(40, 4), count(41, 9, 'Prensa')]);
  t.deepEqual(
    told.map(({ kind, who, data }) => `${kind} ${who} ${data['good'] ?? ''}`.trim()),
    ['count Prensa 9', 'count Bordadeira 1 7', 'moved Rosana', 'count Bordadeira 1 3'],
  );
});

test('every kind of history is a sentence without holes', (t) => {
  const entry = (kind: HistoryEntry['kind'], data: HistoryEntry['data'] = {}): HistoryEntry => ({
    at: now,
    who: 'Rosana',
    kind,
    data,
  });
  t.is(historySentence(entry('moved', { from: 'Matriz', to: 'Bordado' }), pt, format).text, 'Foi para Bordado');
  t.is(
    historySentence(entry('count', { good: 1, scrap: 2 }), pt, format).text,
    'Máquina contou 1 peça boa, 2 de refugo',
  );
  t.is(
    historySentence(entry('promise', { from: now + DAY, to: now + 2 * DAY, reason: 'a malha atrasou' }), pt, format)
      .detail,
    'Motivo: “a malha atrasou”',
  );
  for (const kind of ['created', 'edited', 'moved', 'promise', 'link', 'media', 'count', 'scan'] as const)
    t.notRegex(historySentence(entry(kind), pt, format).text, /undefined|NaN|Invalid/, kind);
});

test('every kind of log line is told, with the reason of a stop', (t) => {
  const line = (kind: LogLine['kind'], change: Partial<LogLine> = {}): LogLine => ({
    lineId: '1',
    at: now,
    machineAt: null,
    kind,
    level: 'info',
    code: '',
    text: '',
    mark: null,
    data: {},
    ...change,
  });
  t.like(logSentence(line('state', { code: 'stopped', text: 'Troca de cor', level: 'warn' }), pt, format), {
    text: 'Parada',
    detail: 'Troca de cor',
    tone: 'warn',
  });
  t.like(logSentence(line('count', { data: { good: 3, scrap: 0, order: '2847' } }), pt, format), {
    text: '3 peças boas',
    detail: 'pedido 2847',
  });
  t.like(logSentence(line('signal', { code: 'offline', level: 'warn' }), pt, format), {
    text: 'Sem sinal',
    icon: 'sem-sinal',
  });
  t.like(logSentence(line('signal', { code: 'online' }), pt, format), { text: 'Sinal voltou' });
  t.is(logSentence(line('event', { code: 'E12', text: 'Agulha quebrou', level: 'error' }), pt, format).tone, 'bad');
});

const status = {
  at: now,
  lastAckAt: now - 1_000,
  offlineSince: now - HOUR,
  pendingChanges: 37,
  oldestPendingAt: now,
  pendingMedia: 28,
  parkedChanges: 0,
  clockSkewMs: 0,
  ackedSeq: 1,
  error: { code: 'SIG_INVALID', detail: '' },
} as const;
const heroTitle = (is: Partial<SyncStatus>, photos: { readonly done: number; readonly total: number }): string =>
  syncHero(
    { status: { ...status, state: 'syncing', ...is }, page: { photos, receipt: null } },
    now,
    pt,
    words['pt-BR'],
    format,
    (code) => errorTexts['pt-BR'][code],
  ).title;

test('the sync page has a sentence for every state', (t) => {
  const titles = syncStates.map((state) => heroTitle({ state }, { done: 12, total: 40 }));
  t.is(new Set(titles).size, syncStates.length);
  t.true(titles.includes('Enviando 37 alterações · fotos 12/40'));
  t.true(titles.includes('Sem conexão com a nuvem desde 9:00'));
});

test('while an outage is not counted yet, the sentence says what the sender still holds', (t) => {
  t.is(heroTitle({ pendingChanges: 0, pendingMedia: 1 }, { done: 0, total: 0 }), 'Enviando 1 foto');
});

test('availability counts overlapping outages once and an open one until now', (t) => {
  const incidents = [
    { startedAt: now - 2 * HOUR, endedAt: now - HOUR },
    { startedAt: now - 1.5 * HOUR, endedAt: now - HOUR },
    { startedAt: now - 0.5 * HOUR, endedAt: null },
    { startedAt: now - 30 * DAY, endedAt: now - 29 * DAY },
  ];
  const known = { from: now - 90 * DAY, to: now };
  const { ratio, count } = availability(incidents, known, now, DAY);
  t.is(count, 3);
  t.true(Math.abs((ratio ?? 0) - (1 - 1.5 / 24)) < 1e-9);
  t.deepEqual(availabilitySlices(incidents, known, now, 4 * HOUR, 4), ['up', 'up', 'down', 'down']);
});

test('availability claims nothing about the time before the first exchange or after the last word', (t) => {
  const nodeId = uuidV7(now - 3 * HOUR, new Uint8Array(10));
  const incidents = [{ startedAt: now - 2 * HOUR, endedAt: now - 1.5 * HOUR }];
  const known = knownTime({ nodeId }, now, now - HOUR);
  t.deepEqual(known, { from: now - 3 * HOUR, to: now - HOUR });
  t.deepEqual(availability(incidents, known, now, DAY), { ratio: 0.75, count: 1 });
  t.deepEqual(availabilitySlices(incidents, known, now, 4 * HOUR, 4), ['unknown', 'up', 'down', 'unknown']);
  t.is(availability([], knownTime({ nodeId }, now, now - 4 * HOUR), now, DAY).ratio, null, 'no time, no claim');
});

test('a WhatsApp address has digits only and carries the text', (t) => {
  t.is(whatsappUrl('(47) 99812-4470', 'Olá, Marina!'), 'https://wa.me/5547998124470?text=Ol%C3%A1%2C%20Marina!');
  t.is(whatsappUrl('+55 47 99812-4470', ''), 'https://wa.me/5547998124470?text=');
});
