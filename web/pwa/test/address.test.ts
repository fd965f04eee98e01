import { trackingTokenSchema } from '@sgp/shared/api/tracking';
import { messageKeys } from '@sgp/ui/i18n';
import test from 'ava';
import { isToken, tokenInText, tokenOfPath } from '../src/logic/address.ts';
import { phoneHref, whatsappHref } from '../src/logic/contact.ts';
import { dictionaries } from '../src/messages/dictionary.ts';
import { token } from './support/order.ts';

test('a token is what the contract says it is', (t) => {
  const candidates = [token, `${token}x`, token.slice(1), `${token.slice(1)}=`, `${token.slice(1)}-`, ''];
  for (const candidate of candidates)
    t.is(isToken(candidate), trackingTokenSchema.safeParse(candidate).success, candidate);
});

test('only /p/{token} is the address of an order', (t) => {
  t.is(tokenOfPath(`/p/${token}`), token);
  t.is(tokenOfPath(`/p/${token}/`), token);
  for (const path of ['/', '/p/', '/p/short', `/p/${token}/x`, `/x/${token}`]) t.is(tokenOfPath(path), null, path);
});

test('a pasted link is found inside a whole message', (t) => {
  for (const text of [
    token,
    `  ${token}\n`,
    `https://loja.example/p/${token}`,
    `Oi! Veja: https://x.y/p/${token}. Abraço`,
  ])
    t.is(tokenInText(text), token, text);
  for (const text of ['', 'oi', `https://x.y/p/${token}mais`, 'https://x.y/p/curto'])
    t.is(tokenInText(text), null, text);
});

test('numbers without a country get the one of Brazil, and what is no number gets no button', (t) => {
  const shop = { name: 'x', phone: '(47) 3441-0090', whatsapp: '+55 47 99812-4470' };
  t.is(whatsappHref(shop, 'Oi & olá'), 'https://wa.me/5547998124470?text=Oi%20%26%20ol%C3%A1');
  t.is(phoneHref(shop), 'tel:+554734410090');
  t.is(phoneHref({ name: 'x', phone: '' }), null);
  t.is(whatsappHref({ name: 'x', phone: '(47) 3441-0090' }, ''), null, 'a landline is not taken for WhatsApp');
});

test('both languages say everything', (t) => {
  t.deepEqual(messageKeys(dictionaries.en), messageKeys(dictionaries['pt-BR']));
});
