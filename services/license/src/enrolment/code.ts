import { randomBytes } from 'node:crypto';

/** Crockford's base32: no I, L, O and U, so that a code survives being read aloud and typed. */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const codeChars = 16;

/** A new enrolment code of 80 random bits, as people see it: `7K3M-Q9ZX-0A2B-CDEF`. */
export function createCode(): string {
  const text = Array.from(randomBytes(codeChars), (byte) => alphabet[byte & 31]).join('');
  return text.match(/.{4}/g)?.join('-') ?? text;
}

/** What was typed, as it is compared: case, spaces, dashes, and the letters that look like digits make no difference. */
export const normaliseCode = (typed: string): string =>
  typed.toUpperCase().replaceAll(/[\s-]/g, '').replaceAll('O', '0').replaceAll(/[IL]/g, '1');
