import { changeHash, contentDigest, safeEqual, sha256Hex } from '@sgp/auth/digest';
import test from 'ava';

test('SHA-256 is that of FIPS 180-2, for text and bytes alike', (t) => {
  const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
  t.is(sha256Hex('abc'), abc);
  t.is(sha256Hex(Buffer.from('abc')), abc);
});

test('a change has one hash, whatever the order of its members', (t) => {
  t.is(changeHash({ b: 1, a: [{ d: null, c: 'ç' }] }), changeHash({ a: [{ c: 'ç', d: null }], b: 1 }));
  t.not(changeHash({ a: 1 }), changeHash({ a: '1' }));
});

test('Content-Digest is that of RFC 9530 appendix A', (t) => {
  t.is(contentDigest(Buffer.from('{"hello": "world"}\n')), 'sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:');
});

test('secrets are equal only when every character is', (t) => {
  t.true(safeEqual('abc', 'abc'));
  for (const other of ['abd', 'ab', 'abcd', '']) t.false(safeEqual('abc', other));
});
