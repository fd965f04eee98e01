import { readFileSync } from 'node:fs';
import { orderSnapshotSchema } from '@sgp/shared/order-snapshot';
import { pushAckSchema, pushBatchSchema, pushBatchSchemaV1 } from '@sgp/shared/sync';
import test from 'ava';
import fc from 'fast-check';
import * as z from 'zod';
import { documentsOf, type JsonSchema, misfits } from './json-schema.ts';

/**
 * Shops update one at a time, and the Core before them: what version 1 sends is taken, and what it receives stays as it
 * was. `version-1.json` is what zod's `toJSONSchema` made of the released contracts; it never changes.
 */
const released = JSON.parse(readFileSync(new URL('./version-1.json', import.meta.url), 'utf8')) as {
  readonly pushBatch: JsonSchema;
  readonly pushAck: JsonSchema;
  readonly orderSnapshot: JsonSchema;
};
const schemaOf = (schema: z.ZodType): JsonSchema => z.toJSONSchema(schema, { io: 'input' }) as JsonSchema;

/** Codes born later, which no change of a version-1 peer is ever parked with. */
const codesOfVersion2 = [
  'NODE_SUPERSEDED',
  'BLOCKED',
  'MOVEMENT_SETTLED',
  'CONFLICT_RESOLVED',
  'CONFLICT_NOT_RESTORABLE',
  'BUNDLE_EMPTY',
  'BUNDLE_EXPIRED',
  'BUNDLE_INVALID',
  'BUNDLE_FOREIGN',
];

const withoutCodesOfVersion2 = (schema: JsonSchema): JsonSchema =>
  JSON.parse(JSON.stringify(schema), (_, value) =>
    Array.isArray(value) ? value.filter((each) => !codesOfVersion2.includes(each)) : value,
  ) as JsonSchema;

/** What version 1 sends, with the schema that takes it now. */
const sent: readonly (readonly [name: 'pushBatch' | 'orderSnapshot', now: z.ZodType, entry: z.ZodType])[] = [
  ['pushBatch', pushBatchSchemaV1, pushBatchSchema],
  ['orderSnapshot', orderSnapshotSchema, orderSnapshotSchema],
];
/** What version 1 receives, with the schema that it is written by now. */
const received: readonly (readonly [name: 'pushAck' | 'orderSnapshot', now: JsonSchema])[] = [
  ['pushAck', withoutCodesOfVersion2(schemaOf(pushAckSchema))],
  ['orderSnapshot', schemaOf(orderSnapshotSchema)],
];

for (const [name, now, entry] of sent) {
  test(`the schema of today takes every ${name} of version 1`, (t) => {
    t.deepEqual(misfits(released[name], schemaOf(now)), []);
  });

  test(`generated examples: each ${name} that version 1 may send is taken today`, (t) => {
    fc.assert(
      fc.property(documentsOf(released[name]), (document) => {
        const read = entry.safeParse(document);
        if (!read.success) throw new Error(z.prettifyError(read.error));
      }),
      { numRuns: 300 },
    );
    t.pass();
  });
}

for (const [name, now] of received) {
  test(`version 1 takes every ${name} that is written today`, (t) => {
    t.deepEqual(misfits(now, released[name]), []);
  });

  test(`generated examples: each ${name} that is written today is taken by version 1`, (t) => {
    const reader = z.fromJSONSchema(released[name] as z.core.JSONSchema.JSONSchema);
    fc.assert(
      fc.property(documentsOf(now), (document) => {
        const read = reader.safeParse(document);
        if (!read.success) throw new Error(z.prettifyError(read.error));
      }),
      { numRuns: 300 },
    );
    t.pass();
  });
}

const base = z.strictObject({ id: z.string().max(10), kind: z.enum(['a', 'b']), count: z.number().int().min(0) });
const changes: readonly (readonly [what: string, changed: z.ZodType])[] = [
  ['a member that must be there', base.extend({ extra: z.string() })],
  ['a member that is gone', base.omit({ count: true })],
  ['a shorter text', base.extend({ id: z.string().max(9) })],
  ['a pattern', base.extend({ id: z.string().max(10).regex(/^x/) })],
  ['a value that is gone', base.extend({ kind: z.enum(['a']) })],
  ['another type', base.extend({ count: z.string() })],
  ['a higher least number', base.extend({ count: z.number().int().min(1) })],
  ['a choice', base.extend({ count: z.union([z.string(), z.null()]) })],
];
for (const [what, changed] of changes)
  test(`the guard finds ${what}`, (t) => {
    t.not(misfits(schemaOf(base), schemaOf(changed)).length, 0);
  });

test('the guard lets a contract grow: an optional member, one more value, a wider bound', (t) => {
  const grown = base.extend({ id: z.string().max(20), kind: z.enum(['a', 'b', 'c']), extra: z.string().optional() });
  t.deepEqual(misfits(schemaOf(base), schemaOf(grown)), []);
  t.not(misfits(schemaOf(grown), schemaOf(base)).length, 0);
});
