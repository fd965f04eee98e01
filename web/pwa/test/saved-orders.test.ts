import test from 'ava';
import { createSavedOrders, savedOrdersMax } from '../src/logic/saved-orders.ts';
import { memoryStorage, token, trackedOrder } from './support/order.ts';

const tokenNo = (index: number): string => String(index).padStart(22, 'A');

test('an order is found again by its own link and by no other', (t) => {
  const storage = memoryStorage();
  createSavedOrders(storage).save({ token, order: trackedOrder(), checkedAt: 5 });
  const later = createSavedOrders(storage);
  t.is(later.find(token)?.order.number, '2847');
  t.is(later.find(token)?.checkedAt, 5);
  t.is(later.find(tokenNo(1)), null);
});

test('the orders opened last stay, newest first, within the limit', (t) => {
  const saved = createSavedOrders(memoryStorage());
  for (let index = 0; index < savedOrdersMax + 3; index += 1)
    saved.save({ token: tokenNo(index), order: trackedOrder({ number: String(index) }), checkedAt: index });
  t.is(saved.all().length, savedOrdersMax);
  t.is(saved.all()[0]?.order.number, String(savedOrdersMax + 2));
  t.is(saved.find(tokenNo(0)), null);
});

test('a dead link leaves nothing of the order but whom to ask', (t) => {
  const storage = memoryStorage();
  const saved = createSavedOrders(storage);
  saved.save({ token, order: trackedOrder(), checkedAt: 5 });
  saved.bury(token);
  t.is(saved.find(token), null);
  t.deepEqual(saved.all(), []);
  t.is(saved.shopOf(token)?.phone, '(47) 3441-0090');
  t.false([...storage.values.values()].join().includes('Marina'));
});

test('forgetting leaves an empty storage', (t) => {
  const storage = memoryStorage();
  const saved = createSavedOrders(storage);
  saved.save({ token, order: trackedOrder(), checkedAt: 5 });
  saved.forgetAll();
  t.is(storage.values.size, 0);
});

test('a storage that is missing, forbidden, broken or of another version is an empty one', (t) => {
  const forbidden = {
    getItem: () => {
      throw new Error('forbidden');
    },
    setItem: () => {
      throw new Error('full');
    },
    removeItem: () => {
      throw new Error('forbidden');
    },
  };
  const broken = memoryStorage();
  broken.setItem('sgp.orders', '{"version":1,"entries":');
  const older = memoryStorage();
  older.setItem('sgp.orders', '{"version":0,"entries":[{"token":"x"}]}');
  for (const storage of [null, forbidden, broken, older]) {
    const saved = createSavedOrders(storage);
    t.deepEqual(saved.all(), []);
    t.notThrows(() => saved.save({ token, order: trackedOrder(), checkedAt: 1 }));
    t.notThrows(() => saved.forgetAll());
  }
});
