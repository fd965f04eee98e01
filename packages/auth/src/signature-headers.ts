import { AppError } from '@sgp/shared/errors';
import type { FieldOccurrence } from 'http-message-sig';

/** Headers whose meaning would be open if they came twice. */
const singleHeaders = new Set([
  'host',
  'content-type',
  'content-encoding',
  'content-digest',
  'content-length',
  'x-api-key',
  'x-node-id',
  'idempotency-key',
  'signature',
  'signature-input',
]);

/** The headers that a signature can cover, or that carry it, in the order in which they came, with lower-case names. */
export function rawFields(rawHeaders: readonly string[]): FieldOccurrence[] {
  const fields: FieldOccurrence[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] as string).toLowerCase();
    // Other headers are never covered, and what they hold (a proxy's text, a name) must not break the parsing.
    if (singleHeaders.has(name)) fields.push({ name, value: rawHeaders[i + 1] as string });
  }
  return fields;
}

/**
 * The same by name.
 * @throws AppError HDR_DUPLICATE
 */
export function singleValues(rawHeaders: readonly string[]): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const { name, value } of rawFields(rawHeaders)) {
    if (values.has(name)) throw new AppError('HDR_DUPLICATE', `The header ${name} came twice.`);
    values.set(name, value.trim());
  }
  return values;
}
