import { isUtf8 } from 'node:buffer';
import type { BusMessage } from '@sgp/service-kit/bus-intake';
import type { ErrorCode } from '@sgp/shared/errors';
import { floorMessageSchemas, onlineSchema, refusalSchema } from '@sgp/shared/floor-messages';
import { limits } from '@sgp/shared/limits';
import { parseUpTopic, topics } from '@sgp/shared/topics';
import type * as z from 'zod';
import type { FloorEntry, FloorMessage } from './floor-entry.ts';

const excerptMaxChars = 200;
const onlineTopic = /^sgp\/[a-z0-9]{1,32}\/([a-z0-9]{1,32})\/online$/;

/** Reads one message of the bus. Never throws: what cannot be read becomes an entry that says why. */
export function parseFloorMessage(est: string, message: BusMessage): FloorEntry {
  const { topic, payload, receivedAt, retain } = message;
  if (topic === topics.refused(est)) return parseOwn(message, refusalSchema, (body) => ({ kind: 'refusal', body }));
  const device = onlineTopic.exec(topic)?.[1];
  if (device !== undefined) {
    if (payload.length === 0) return { kind: 'none' };
    return parseOwn(message, onlineSchema, (body) => ({ kind: 'online', device, body }));
  }
  const up = parseUpTopic(topic);
  if (!up) return bad(message, null, 'FLOOR_TOPIC_UNKNOWN', 'The topic is not one of the floor.');
  if (up.kind === null)
    return bad(message, up.device, 'FLOOR_TOPIC_UNKNOWN', `'${printable(up.rest)}' is not a message of the floor.`);
  if (payload.length === 0 && up.kind === 'state') return { kind: 'none' };
  const json = readJson(payload);
  if (!json.ok) return bad(message, up.device, 'FLOOR_JSON_INVALID', json.detail);
  const result = floorMessageSchemas[up.kind].safeParse(json.value);
  if (!result.success) return bad(message, up.device, 'FLOOR_SCHEMA_INVALID', reasonOf(result.error));
  const body = json.escapes ? cleaned(result.data) : result.data;
  const known = { kind: up.kind, body } as FloorMessage;
  const fault = overLimit(known);
  if (fault) return bad(message, up.device, 'FLOOR_SCHEMA_INVALID', fault);
  return { ...known, device: up.device, receivedAt, retained: retain, topic };
}

/** The sums of counts must stay exact, which the schema's range of one message does not promise. */
function overLimit(message: FloorMessage): string | null {
  if (message.kind !== 'count') return null;
  const { good, scrap } = message.body;
  return Math.max(good, scrap) > limits.floorCountMaxPieces
    ? `good and scrap: at most ${limits.floorCountMaxPieces} in one message`
    : null;
}

type Json =
  | { readonly ok: true; readonly value: unknown; readonly escapes: boolean }
  | { readonly ok: false; readonly detail: string };

function readJson(payload: Buffer): Json {
  if (!isUtf8(payload)) return { ok: false, detail: 'The payload is not UTF-8 text (RFC 8259 §8.1).' };
  try {
    const text = payload.toString('utf8');
    return { ok: true, value: JSON.parse(text), escapes: text.includes('\\u') };
  } catch (error) {
    return { ok: false, detail: payload.length === 0 ? 'The payload is empty.' : printable((error as Error).message) };
  }
}

/** Messages that our own services write: a fault in one is a fault of ours, told without a machine's name. */
function parseOwn<Schema extends z.ZodType>(
  message: BusMessage,
  schema: Schema,
  entry: (body: z.infer<Schema>) => FloorEntry,
): FloorEntry {
  const json = readJson(message.payload);
  if (!json.ok) return bad(message, null, 'FLOOR_JSON_INVALID', json.detail);
  const result = schema.safeParse(json.value);
  if (!result.success) return bad(message, null, 'FLOOR_SCHEMA_INVALID', reasonOf(result.error));
  return entry(json.escapes ? (cleaned(result.data) as z.infer<Schema>) : result.data);
}

function bad(
  { topic, payload, receivedAt }: BusMessage,
  device: string | null,
  code: ErrorCode,
  detail: string,
): FloorEntry {
  const excerpt = printable(payload.subarray(0, excerptMaxChars * 4).toString('utf8'));
  return {
    kind: 'bad',
    device,
    receivedAt,
    topic: printable(topic),
    code,
    detail,
    excerpt,
    sizeBytes: payload.length,
  };
}

/** Text that a screen and every database can hold: bounded, no control characters, no half characters. */
export function printable(text: string): string {
  return text
    .slice(0, excerptMaxChars)
    .toWellFormed()
    .replace(/\p{Cc}/gu, '\u00b7');
}

/**
 * A JSON escape can name what no database takes as text (U+0000) or what UTF-8 cannot say (half of a surrogate pair);
 * both become U+FFFD.
 */
function cleaned(value: unknown): unknown {
  if (typeof value === 'string') return value.toWellFormed().replaceAll('\u0000', '\ufffd');
  if (Array.isArray(value)) return value.map(cleaned);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [cleaned(name), cleaned(inner)]));
}

/** The first place that does not fit, as `values.speed: expected number`. */
export function reasonOf(error: z.ZodError): string {
  const [path, reason] = deepest(error.issues, []);
  return printable(path.length > 0 ? `${path.join('.')}: ${reason}` : reason);
}

type Path = readonly PropertyKey[];

/** Of a union's branches the one that got furthest is the one that was meant. */
function deepest(issues: readonly z.core.$ZodIssue[], above: Path): readonly [Path, string] {
  const issue = issues[0];
  if (!issue) return [above, 'does not fit'];
  const path = [...above, ...issue.path];
  if (issue.code !== 'invalid_union') return [path, issue.message];
  const branches = issue.errors.map((inner) => deepest(inner, path));
  return branches.reduce((best, branch) => (branch[0].length > best[0].length ? branch : best));
}
