import { newId } from '@sgp/service-kit/ids';
import type { Customer } from '@sgp/shared/api/orders';
import test from 'ava';
import { toE164 } from '../src/customers/phone.ts';
import { isTaxId, plainTaxId } from '../src/customers/tax-id.ts';
import { openShopApp, signedIn } from './support/shop-app.ts';

test('a CPF or CNPJ is right only with its check digits, with letters too', (t) => {
  for (const right of ['12.ABC.345/01DE-35', '12.abc.345/01de-35', '11.222.333/0001-81', '529.982.247-25'])
    t.true(isTaxId(plainTaxId(right)), right);
  for (const wrong of [
    '12.ABC.345/01DE-36',
    '11.222.333/0001-82',
    '529.982.247-26',
    '111.111.111-11',
    '00000000000000',
    '5299822472A',
    '1',
  ])
    t.false(isTaxId(plainTaxId(wrong)), wrong);
});

test('a phone is kept as E.164, Brazilian when it names no country', (t) => {
  t.is(toE164('(11) 99369-8430'), '+5511993698430');
  t.is(toE164('011 4000-1000'), '+551140001000');
  t.is(toE164('+351 912 345 678'), '+351912345678');
  t.is(toE164('5511993698430'), '+5511993698430');
});

test('a customer is found by any part of name, phone, mail or tax id', async (t) => {
  await using stack = new AsyncDisposableStack();
  const app = await openShopApp(stack);
  const browser = await signedIn(app);
  const made = await browser.ok<Customer>('POST', '/api/customers', {
    name: '  Estofados São José ',
    phone: '(11) 99369-8430',
    email: 'contato@saojose.example',
    taxId: '11.222.333/0001-81',
  });
  t.like(made, {
    name: 'Estofados São José',
    firstName: 'Estofados',
    phone: '+5511993698430',
    taxId: '11222333000181',
    openOrders: 0,
  });
  const found = async (q: string) =>
    (await browser.ok<{ customers: Customer[] }>('GET', `/api/customers?q=${encodeURIComponent(q)}`)).customers.length;
  for (const q of ['sao jose', 'SÃO', '99369', '11993698430', '+5511', 'contato@', '1122233300'])
    t.is(await found(q), 1, q);
  for (const q of ['maria', '_', '%']) t.is(await found(q), 0, q);
  t.deepEqual(await browser.ok('GET', `/api/customers/${made.customerId}`), made);
  t.is(
    (await browser.refused('POST', '/api/customers', { name: 'X', taxId: '11.222.333/0001-82' })).code,
    'BODY_INVALID',
  );
  t.is((await browser.refused('PATCH', `/api/customers/${made.customerId}`, { phone: 'abc' })).code, 'BODY_INVALID');
});

test('a customer that is sent again after a lost answer is the same customer, also when they were edited meanwhile', async (t) => {
  await using stack = new AsyncDisposableStack();
  const app = await openShopApp(stack);
  const browser = await signedIn(app);
  const body = { customerId: newId(), name: 'Maria da Silva', phone: '(11) 99369-8430', note: 'portão azul' };
  const both = await Promise.all([1, 2, 3].map(() => browser.ok<Customer>('POST', '/api/customers', body)));
  for (const customer of both) t.deepEqual(customer, both[0]);
  t.is(both[0]?.customerId, body.customerId);
  const edited = await browser.ok<Customer>('PATCH', `/api/customers/${body.customerId}`, { note: 'portão verde' });
  t.deepEqual(await browser.ok('POST', '/api/customers', { ...body, phone: '+55 11 99369-8430' }), edited);
  t.is((await browser.ok<{ customers: Customer[] }>('GET', '/api/customers')).customers.length, 1);
});

test('other content under the id of a customer is refused with the customer that is there, and changes nothing', async (t) => {
  await using stack = new AsyncDisposableStack();
  const app = await openShopApp(stack);
  const browser = await signedIn(app);
  const body = { customerId: newId(), name: 'Maria da Silva', phone: '(11) 99369-8430' };
  const there = await browser.ok<Customer>('POST', '/api/customers', body);
  for (const other of [
    { name: 'Mariana da Silva' },
    { firstName: 'Dona Maria' },
    { phone: '(11) 99369-8431' },
    { email: 'maria@exemplo.example' },
    { taxId: '529.982.247-25' },
    { note: 'portão azul' },
  ]) {
    const answer = await browser.send('POST', '/api/customers', { ...body, ...other });
    t.is(answer.status, 409, JSON.stringify(other));
    t.like(answer.body, { code: 'ALREADY_EXISTS', details: { current: there } });
  }
  t.deepEqual(await browser.ok('GET', `/api/customers/${body.customerId}`), there);
  const moved = await browser.refused('PATCH', `/api/customers/${body.customerId}`, { customerId: newId() });
  t.is(moved.code, 'BODY_INVALID');
});
