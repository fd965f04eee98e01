import type { OrderStatus } from '@sgp/shared/order-snapshot';
import test from 'ava';
import { countedOf, photosOf, stepsOf } from '../src/logic/order-view.ts';
import type { trackedOrder } from './support/order.ts';

const walked = (...statuses: OrderStatus[]) => ({
  status: statuses.at(-1) as OrderStatus,
  timeline: statuses.map((status, index) => ({ status, at: `2026-11-1${index}T12:00:00Z` })),
});
const states = (...statuses: OrderStatus[]) => stepsOf(walked(...statuses)).map(({ state }) => state);

test('the five steps are done up to the present one, which has its time', (t) => {
  t.deepEqual(states('received'), ['now', 'todo', 'todo', 'todo', 'todo']);
  t.deepEqual(states('received', 'approved', 'in_production'), ['done', 'done', 'now', 'todo', 'todo']);
  t.is(stepsOf(walked('received', 'approved', 'in_production'))[2]?.at, '2026-11-12T12:00:00Z');
});

test('a delivered order has nothing left to do', (t) => {
  t.deepEqual(states('received', 'ready', 'delivered'), ['done', 'done', 'done', 'done', 'done']);
});

test('a step that was skipped is done without a time', (t) => {
  const [, approved] = stepsOf(walked('received', 'in_production'));
  t.deepEqual(approved, { step: 'approved', state: 'done', at: null });
});

test('an order that went back shows the step where it is, with its latest time', (t) => {
  const back = walked('received', 'approved', 'in_production', 'approved');
  t.deepEqual(
    stepsOf(back).map(({ state, at }) => [state, at]),
    [
      ['done', '2026-11-10T12:00:00Z'],
      ['now', '2026-11-13T12:00:00Z'],
      ['todo', null],
      ['todo', null],
      ['todo', null],
    ],
  );
});

test('a cancelled order is done as far as it came, and stands nowhere', (t) => {
  t.deepEqual(states('received', 'approved', 'cancelled'), ['done', 'done', 'todo', 'todo', 'todo']);
});

test('counted pieces add up over the items, never past what was ordered', (t) => {
  const item = (quantity: number, good?: number, unit = 'un') => ({
    description: 'x',
    quantity,
    unit,
    ...(good === undefined ? {} : { produced: { good, total: quantity } }),
  });
  t.is(countedOf({ items: [item(120)] }), null, 'nothing was counted');
  t.deepEqual(countedOf({ items: [item(120, 74), item(20)] }), { good: 74, total: 140, unit: 'un' });
  t.deepEqual(countedOf({ items: [item(10, 12)] }), { good: 10, total: 10, unit: 'un' });
  t.is(countedOf({ items: [item(120, 74), item(3, 1, 'm²')] }), null, 'different units do not add up');
});

test('the newest photo comes first', (t) => {
  const photo = (takenAt: string) => ({ takenAt }) as ReturnType<typeof trackedOrder>['media'][number];
  const media = [photo('2026-11-10T12:00:00Z'), photo('2026-11-12T12:00:00Z'), photo('2026-11-11T12:00:00Z')];
  t.deepEqual(
    photosOf({ media }).map(({ takenAt }) => takenAt.slice(8, 10)),
    ['12', '11', '10'],
  );
});
