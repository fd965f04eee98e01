import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';

/** JSON Schema as far as zod writes it for the contracts: how two of them relate, and documents of one. */
export type JsonSchema = { readonly [keyword: string]: unknown };

/** Keywords that only narrow downwards or upwards; the wider schema may say less. */
const upperBounds = ['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems'] as const;
const lowerBounds = ['minimum', 'exclusiveMinimum', 'minLength', 'minItems'] as const;
const structural = ['type', 'properties', 'required', 'additionalProperties', 'items', 'enum', '$schema', '$defs'];
/** `integer` in JSON Schema is a `number`. */
const typeFits = (narrow: unknown, wide: unknown): boolean =>
  narrow === wide || wide === undefined || (narrow === 'integer' && wide === 'number');

const childrenOf = (schema: JsonSchema): Readonly<Record<string, JsonSchema>> =>
  (schema['properties'] ?? {}) as Readonly<Record<string, JsonSchema>>;
const requiredOf = (schema: JsonSchema): readonly string[] => (schema['required'] ?? []) as readonly string[];

/**
 * Why a document of `narrow` may not be one of `wide`; empty: each one is. It knows objects, lists, enumerations and
 * bounds; every other keyword must be the same in both, so that what it does not understand is a problem and not a pass.
 */
export function misfits(narrow: JsonSchema, wide: JsonSchema, path = '$'): readonly string[] {
  const problems: string[] = [];
  if (!typeFits(narrow['type'], wide['type'])) problems.push(`${path}: type`);
  for (const keyword of upperBounds)
    if (wide[keyword] !== undefined && !(Number(narrow[keyword]) <= Number(wide[keyword])))
      problems.push(`${path}: ${keyword}`);
  for (const keyword of lowerBounds)
    if (wide[keyword] !== undefined && !(Number(narrow[keyword]) >= Number(wide[keyword])))
      problems.push(`${path}: ${keyword}`);
  const known: readonly string[] = [...structural, ...upperBounds, ...lowerBounds];
  for (const keyword of new Set([...Object.keys(narrow), ...Object.keys(wide)]))
    if (!known.includes(keyword) && !isDeepStrictEqual(narrow[keyword], wide[keyword]))
      problems.push(`${path}: ${keyword}`);
  return [
    ...problems,
    ...enumMisfits(narrow, wide, path),
    ...objectMisfits(narrow, wide, path),
    ...itemMisfits(narrow, wide, path),
  ];
}

function enumMisfits(narrow: JsonSchema, wide: JsonSchema, path: string): readonly string[] {
  const allowed = wide['enum'] as readonly unknown[] | undefined;
  if (allowed === undefined) return [];
  const given = narrow['enum'] as readonly unknown[] | undefined;
  if (given === undefined) return [`${path}: enum`];
  return given.filter((value) => !allowed.includes(value)).map((value) => `${path}: ${String(value)} is not known`);
}

function itemMisfits(narrow: JsonSchema, wide: JsonSchema, path: string): readonly string[] {
  if (wide['items'] === undefined) return [];
  if (narrow['items'] === undefined) return [`${path}: items`];
  return misfits(narrow['items'] as JsonSchema, wide['items'] as JsonSchema, `${path}[]`);
}

function objectMisfits(narrow: JsonSchema, wide: JsonSchema, path: string): readonly string[] {
  const problems: string[] = [];
  const wideChildren = childrenOf(wide);
  const required = requiredOf(narrow);
  for (const name of requiredOf(wide)) if (!required.includes(name)) problems.push(`${path}.${name}: required`);
  for (const [name, child] of Object.entries(childrenOf(narrow))) {
    const other = wideChildren[name];
    if (other !== undefined) problems.push(...misfits(child, other, `${path}.${name}`));
    else if (wide['additionalProperties'] === false) problems.push(`${path}.${name} is not known`);
  }
  const [free, bound] = [narrow['additionalProperties'], wide['additionalProperties']];
  // An object that is open only because nothing else is said may lose members, and says nothing about them.
  if (free !== false && bound !== undefined && !isDeepStrictEqual(free, bound))
    problems.push(`${path}: additionalProperties`);
  return problems;
}

const wordMaxChars = 12;

/** Documents that a schema allows, small ones first. */
export function documentsOf(schema: JsonSchema): fc.Arbitrary<unknown> {
  const options = schema['anyOf'] as readonly JsonSchema[] | undefined;
  if (options !== undefined) return fc.oneof(...options.map(documentsOf));
  if ('const' in schema) return fc.constant(schema['const']);
  if (Array.isArray(schema['enum'])) return fc.constantFrom(...schema['enum']);
  // What a payload holds is not part of the contract of the batch.
  if ('$ref' in schema) return fc.jsonValue({ maxDepth: 1 });
  switch (schema['type']) {
    case 'object':
      return objectsOf(schema);
    case 'array':
      return fc.array(documentsOf(schema['items'] as JsonSchema), { maxLength: 3 });
    case 'string': {
      if (typeof schema['pattern'] === 'string') return fc.stringMatching(new RegExp(schema['pattern']));
      return fc.string({ maxLength: Math.min(wordMaxChars, Number(schema['maxLength'] ?? wordMaxChars)) });
    }
    case 'integer':
      return fc.integer(boundsOf(schema));
    case 'number':
      return fc.integer(boundsOf(schema)).map((n) => n / 4 + 1);
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    default:
      throw new Error(`no documents of ${JSON.stringify(schema)}`);
  }
}

const boundsOf = (schema: JsonSchema): { readonly min: number; readonly max: number } => ({
  min: Math.max(-(2 ** 31), Number(schema['minimum'] ?? Number(schema['exclusiveMinimum'] ?? -1) + 1)),
  max: Math.min(2 ** 31 - 1, Number(schema['maximum'] ?? 2 ** 31 - 1)),
});

function objectsOf(schema: JsonSchema): fc.Arbitrary<unknown> {
  const children = Object.entries(childrenOf(schema)).map(([name, child]) => [name, documentsOf(child)] as const);
  if (children.length > 0) return fc.record(Object.fromEntries(children), { requiredKeys: [...requiredOf(schema)] });
  return fc.dictionary(
    fc.string({ maxLength: wordMaxChars }),
    documentsOf(schema['additionalProperties'] as JsonSchema),
    {
      maxKeys: 3,
    },
  );
}
