import { httpStatusByCode } from '@sgp/shared/errors';
import test from 'ava';
import { errorTexts } from '../src/error-texts.ts';
import { createI18n, LOCALES, messageKeys, pickLocale, plural } from '../src/i18n.ts';
import { words } from '../src/words.ts';

test('pt-BR is the default, English only when the browser speaks it first', (t) => {
  t.is(pickLocale(['pt-PT', 'en']), 'pt-BR');
  t.is(pickLocale(['de', 'en-GB']), 'en');
  t.is(pickLocale(['de']), 'pt-BR');
  t.is(pickLocale([]), 'pt-BR');
});

test('what the person chose wins over the browser, an unknown choice does not', (t) => {
  t.is(pickLocale(['pt-BR'], 'en'), 'en');
  t.is(pickLocale(['en'], 'tlh'), 'en');
});

test('a change of language changes the dictionary that views read', (t) => {
  const i18n = createI18n({ 'pt-BR': { hello: 'Olá' }, en: { hello: 'Hello' } }, 'pt-BR');
  t.is(i18n.t.value.hello, 'Olá');
  i18n.locale.value = 'en';
  t.is(i18n.t.value.hello, 'Hello');
});

test('plurals follow the language, and zero is plural in the shop', (t) => {
  const forms = { one: 'pedido', other: 'pedidos' };
  t.deepEqual(
    [0, 1, 2, 1_000_000].map((count) => plural('pt-BR', count, forms)),
    ['pedidos', 'pedido', 'pedidos', 'pedidos'],
  );
});

test('both languages have the same words', (t) => {
  t.deepEqual(messageKeys(words.en), messageKeys(words['pt-BR']));
});

test('every error code has a sentence in both languages', (t) => {
  for (const locale of LOCALES) {
    t.deepEqual(Object.keys(errorTexts[locale]).sort(), Object.keys(httpStatusByCode).sort());
    for (const [code, text] of Object.entries(errorTexts[locale])) t.regex(text, /^\p{Lu}.*\.$/u, code);
  }
});
