import type { Order } from '@sgp/shared/api/orders';
import test from 'ava';
import { ApiError } from '../src/api-error.ts';
import { currentOrder, isSameForm, writeAsSeen } from '../src/logic/conflict.ts';
import { clearDraft, loadDraft, saveDraft } from '../src/logic/draft-store.ts';
import {
  checkDraft,
  emptyDraft,
  emptyItem,
  isPhone,
  type OrderDraft,
  parseQuantity,
  toNewOrder,
  totalsOf,
} from '../src/logic/order-form.ts';
import { msToWallClock, wallClockToMs } from '../src/logic/wall-clock.ts';
import { createPrefs } from '../src/prefs.ts';
import { order } from './support/orders.ts';

const zone = 'America/Sao_Paulo';
const draft: OrderDraft = {
  ...emptyDraft('018f22e2-79b0-7cc3-98c4-dc0c0c07398f'),
  customer: { customerId: 'c', name: 'Marina', phone: null },
  items: [
    {
      ...emptyItem('1'),
      description: ' Polo ',
      quantity: '120',
      unitPrice: '44,80',
      spec: [
        { label: 'Posição', value: 'peito' },
        { label: 'Cores', value: '' },
      ],
    },
    { ...emptyItem('2'), description: 'Boné', quantity: '2,5', unitPrice: '10' },
  ],
  promisedDay: '2026-11-25',
  promisedTime: '17:00',
  discount: '1,00',
  paid: '2.688,00',
};

test('the total is the sum of the lines less the discount, in whole cents', (t) => {
  t.deepEqual(totalsOf(draft), {
    subtotalCents: 540_100,
    discountCents: 100,
    totalCents: 540_000,
    paidCents: 268_800,
    balanceCents: 271_200,
  });
});

test('what is sent is trimmed, in cents and in UTC, and an empty field of the sheet is left out', (t) => {
  const body = toNewOrder(draft, 'c', zone);
  t.is(body.promisedAt, Date.parse('2026-11-25T20:00:00Z'));
  t.deepEqual(body.items[0], {
    description: 'Polo',
    quantity: 120,
    unit: 'un',
    unitPriceCents: 4_480,
    spec: [{ label: 'Posição', value: 'peito' }],
  });
});

test('saving again sends the same identity', (t) => {
  const sent = toNewOrder(draft, 'c', zone);
  t.is(sent.orderId, draft.orderId);
  t.deepEqual(toNewOrder(draft, 'c', zone), sent);
});

test('a version that concerns nobody’s decision is no conflict; a real one is told', async (t) => {
  const seen = { ...order(), items: [], discountCents: 0, note: '' } as unknown as Order;
  const newer: Order = { ...seen, version: 7, photoCount: 3 };
  const conflict = (current: Order) => new ApiError('VERSION_CONFLICT', '', { details: { current } });
  const sent: number[] = [];
  const send = (current: Order) => async (version: number) => {
    sent.push(version);
    if (version !== current.version) throw conflict(current);
    return version;
  };
  const isAsSeen = (current: Order) => current.stage.key === seen.stage.key && isSameForm(current, seen);
  t.is(await writeAsSeen(1, send(newer), isAsSeen), 7);
  t.deepEqual(sent, [1, 7]);
  const moved: Order = { ...newer, stage: { key: 'pronto', label: 'Pronto' } };
  await t.throwsAsync(writeAsSeen(1, send(moved), isAsSeen), { instanceOf: ApiError });
  await t.throwsAsync(writeAsSeen(1, send({ ...newer, note: 'de outra pessoa' }), isAsSeen), { instanceOf: ApiError });
  t.is(sent.length, 4, 'a real conflict is not sent again');
  t.is(currentOrder(new Error('lost')), null);
});

test('an empty form names every place that keeps it from being saved', (t) => {
  t.deepEqual(checkDraft(emptyDraft('018f22e2-79b0-7cc3-98c4-dc0c0c07398f')), {
    customer: 'customerNone',
    'items.0.description': 'descriptionMissing',
    promised: 'promiseMissing',
  });
  t.deepEqual(checkDraft(draft), {});
});

test('a discount above the sum and a deposit above the total are told apart', (t) => {
  t.is(checkDraft({ ...draft, discount: '99999' })['discount'], 'discountTooBig');
  t.is(checkDraft({ ...draft, discount: '', paid: '99999' })['paid'], 'paidTooBig');
  t.is(checkDraft({ ...draft, paid: 'dez' })['paid'], 'moneyWrong');
});

test('quantities take a comma, and nothing that is no quantity', (t) => {
  t.is(parseQuantity('2,5'), 2.5);
  for (const text of ['', '0', '-1', '1e3', '1.000.000', 'dez']) t.is(parseQuantity(text), null, text);
});

test('wall clock and UTC agree in every zone of Brazil', (t) => {
  for (const timeZone of ['America/Noronha', 'America/Sao_Paulo', 'America/Manaus', 'America/Rio_Branco']) {
    const ms = wallClockToMs('2026-11-25', '23:30', timeZone);
    t.deepEqual(msToWallClock(ms, timeZone), { day: '2026-11-25', time: '23:30' }, timeZone);
  }
});

test('a phone needs its area code', (t) => {
  t.true(isPhone('(47) 99812-4470'));
  t.true(isPhone('+55 47 3433-1102'));
  t.false(isPhone('99812-4470'));
});

test('a draft outlives its tab, and one of another shape is no draft', (t) => {
  const kept = new Map<string, string>();
  const prefs = createPrefs({
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
    removeItem: (key) => void kept.delete(key),
  });
  saveDraft(prefs, 'new', draft);
  t.deepEqual(loadDraft(prefs, 'new'), draft);
  prefs.write('draft.new', '{"items":[]}');
  t.is(loadDraft(prefs, 'new'), null);
  prefs.write('draft.new', '{broken');
  t.is(loadDraft(prefs, 'new'), null);
  clearDraft(prefs, 'new');
  t.is(kept.size, 0);
});

test('a browser that forbids its storage costs the draft and nothing else', (t) => {
  const forbidden = () => {
    throw new Error('forbidden');
  };
  const prefs = createPrefs({ getItem: forbidden, setItem: forbidden, removeItem: forbidden });
  t.notThrows(() => saveDraft(prefs, 'new', draft));
  t.is(loadDraft(prefs, 'new'), null);
});
