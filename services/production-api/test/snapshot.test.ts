import { newId } from '@sgp/service-kit/ids';
import type { Hlc } from '@sgp/shared/clock';
import { limits } from '@sgp/shared/limits';
import { orderSnapshotSchema, orderStatuses } from '@sgp/shared/order-snapshot';
import test from 'ava';
import fc from 'fast-check';
import { localDays } from '../src/orders/local-days.ts';
import { momentsAfter, moveOrder } from '../src/orders/order-changes.ts';
import type { OrderRecord } from '../src/orders/order-record.ts';
import { phoneLast4Hash, toSnapshot } from '../src/orders/snapshot.ts';
import { canMove, isOpen, transitions } from '../src/orders/stages.ts';

const origin = { companyId: newId(), establishmentId: newId(), nodeId: newId() };
const shop = { name: 'Fio & Ponto', phone: '11 4000-1000', whatsapp: '', timeZone: 'America/Sao_Paulo' };

const ms = fc.integer({ min: Date.UTC(2000, 0, 1), max: Date.UTC(2100, 0, 1) });
const maybeMs = fc.option(ms);
const id = fc.constant(null).map(newId);
const stage = fc.record({
  key: fc.constantFrom('recebido', 'producao', 'pronto'),
  label: fc.string({ maxLength: 120 }),
});
const status = fc.constantFrom(...orderStatuses);
/** Marks what must stay in the shop. */
const secret = fc.string({ minLength: 1, maxLength: 20 }).map((text) => `SEGREDO-${text}`);
const keys = fc.constant({ 160: 'a/b/c/160', 480: 'a/b/c/480', 1280: 'a/b/c/1280' });

const anyOrder: fc.Arbitrary<OrderRecord> = fc.record({
  orderId: id,
  number: fc.integer({ min: 1, max: 99999 }).map(String),
  version: fc.integer({ min: 1, max: 1000 }),
  updatedHlc: fc.constant('01763768193000-0002-9f2c4be01d77' as Hlc),
  updatedAt: ms,
  customer: fc.record({
    customerId: id,
    name: secret,
    firstName: fc.string({ maxLength: 120 }),
    phone: fc.option(
      fc.integer({ min: 0, max: 9_999_999 }).map((digits) => `+5511987${String(digits).padStart(7, '0')}`),
    ),
  }),
  status,
  stage,
  items: fc.array(
    fc.record({
      itemId: id,
      description: fc.string({ maxLength: 200 }),
      quantity: fc.integer({ min: 1, max: 1_000_000_000 }).map((thousandths) => thousandths / 1000),
      unit: fc.constantFrom('un', 'm²'),
      unitPriceCents: fc.constant(0),
      spec: fc.array(fc.record({ label: secret, value: secret }), { maxLength: 3 }),
      good: fc.nat(5000),
      scrap: fc.nat(50),
    }),
    { minLength: 1, maxLength: 5 },
  ),
  promisedAt: ms,
  discountCents: fc.constant(0),
  paidCents: fc.nat(10_000),
  note: secret,
  createdAt: ms,
  moments: fc.record({
    approvedAt: maybeMs,
    startedAt: maybeMs,
    readyAt: maybeMs,
    deliveredAt: maybeMs,
    cancelledAt: maybeMs,
  }),
  promiseChanges: fc.array(
    fc.record({ from: ms, to: ms, reason: fc.string({ maxLength: 100 }), at: ms, who: secret }),
    { maxLength: 30 },
  ),
  timeline: fc.array(fc.record({ status, stage, at: ms, who: secret }), { minLength: 1, maxLength: 120 }),
  media: fc.array(
    fc.record({
      mediaId: id,
      orderId: id,
      fileName: secret,
      sizeBytes: fc.nat(),
      receivedBytes: fc.nat(),
      state: fc.constantFrom('uploading', 'uploaded', 'derived', 'published', 'refused'),
      stage,
      visible: fc.boolean(),
      takenAt: ms,
      width: fc.option(fc.integer({ min: 1, max: 9000 })),
      height: fc.option(fc.integer({ min: 1, max: 9000 })),
      thumbhash: fc.option(fc.constant('abc')),
      keys: fc.option(keys),
      error: fc.constant(null),
      createdAt: ms,
    }),
    { maxLength: 4 },
  ),
  link: fc.option(fc.record({ token: secret, expiresAt: maybeMs, revokedAt: maybeMs })),
});

test('a snapshot fits its contract and carries no name, phone, note, spec, token or person of the shop', (t) => {
  fc.assert(
    fc.property(anyOrder, (order) => {
      const snapshot = toSnapshot(order, origin, shop);
      orderSnapshotSchema.parse(snapshot);
      const text = JSON.stringify(snapshot);
      if (text.includes('SEGREDO') || text.includes('5511987')) throw new Error(text);
      const steps = snapshot.timeline.map((step) => step.status);
      if (steps.length > limits.orderTimelineMax) throw new Error('timeline too long');
      if (
        snapshot.media.length !==
        order.media.filter(
          (each) =>
            each.state === 'published' &&
            each.keys &&
            each.width !== null &&
            each.height !== null &&
            each.thumbhash !== null,
        ).length
      )
        throw new Error('only published photos leave, and all of them');
      return JSON.stringify(toSnapshot(order, origin, shop)) === text;
    }),
    { numRuns: 150 },
  );
  t.pass();
});

test('the second factor is bound to its order and needs four digits', (t) => {
  t.is(phoneLast4Hash('a', '+5511993698430'), phoneLast4Hash('a', '(11) 8430'));
  t.not(phoneLast4Hash('a', '+5511993698430'), phoneLast4Hash('b', '+5511993698430'));
  t.is(phoneLast4Hash('a', '843'), undefined);
  t.is(phoneLast4Hash('a', null), undefined);
});

test('open orders move freely, hand-over needs ready, and the ends are final', (t) => {
  for (const from of orderStatuses)
    for (const to of orderStatuses) {
      const wanted = isOpen(from) && (to !== 'delivered' || from === 'ready');
      t.is(canMove(from, to), wanted, `${from} → ${to}`);
    }
  t.deepEqual(Object.keys(transitions).sort(), [...orderStatuses].sort());
});

test('after any moves the times of the order are those of its present way', (t) => {
  fc.assert(
    fc.property(anyOrder, fc.array(status, { minLength: 1, maxLength: 12 }), (start, path) => {
      let order: OrderRecord = { ...start, status: 'received', moments: momentsAfter(start.moments, 'received', 0) };
      order = { ...order, moments: { ...order.moments, cancelledAt: null } };
      let at = 1;
      for (const to of path) {
        if (!canMove(order.status, to)) continue;
        const moved = moveOrder(order, { key: `${to}${at}`, label: to, status: to }, { at, who: 'x' });
        if (moved) order = moved.order;
        at += 1;
      }
      const { approvedAt, startedAt, readyAt, deliveredAt, cancelledAt } = order.moments;
      const times = [approvedAt, startedAt, readyAt, deliveredAt].filter((time) => time !== null);
      if (order.status === 'received' && times.length > 0) throw new Error('received knows no later time');
      if (order.status === 'delivered' && deliveredAt === null) throw new Error('delivered without its time');
      return (order.status === 'cancelled') === (cancelledAt !== null);
    }),
    { numRuns: 200 },
  );
  t.pass();
});

test("a shop's days begin at its own midnight and follow without a gap, also when the clocks change", (t) => {
  const zones = [
    'America/Sao_Paulo',
    'America/Noronha',
    'America/Manaus',
    'UTC',
    'Europe/Berlin',
    'Asia/Kolkata',
    'America/New_York',
  ];
  fc.assert(
    fc.property(ms, fc.constantFrom(...zones), (now, timeZone) => {
      const days = localDays(now, 7, timeZone);
      const format = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short' });
      const read = (at: number) => format.format(at);
      const [today] = days;
      if (!today || today.from > now || today.to <= now) return false;
      return days.every(
        (day, index) =>
          read(day.from) === day.date &&
          read(day.to - 1) === day.date &&
          read(day.to) !== day.date &&
          (index === 0 || days[index - 1]?.to === day.from),
      );
    }),
    {
      numRuns: 200,
      // São Paulo without its midnight, and with it twice.
      examples: [
        [Date.UTC(2005, 9, 14, 12), 'America/Sao_Paulo'],
        [Date.UTC(2006, 1, 17, 12), 'America/Sao_Paulo'],
      ],
    },
  );
  t.pass();
});
