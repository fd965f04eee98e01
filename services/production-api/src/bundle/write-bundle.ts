import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { replaceFileBy } from '@sgp/auth/durable-file';
import type { RequestSigner } from '@sgp/auth/http-signature';
import type { Database } from '@sgp/service-kit/database';
import { newId } from '@sgp/service-kit/ids';
import { AppError } from '@sgp/shared/errors';
import { limits } from '@sgp/shared/limits';
import { type StreamName, streamRules, streams } from '@sgp/shared/sync';
import {
  type BundleLine,
  type BundleOpening,
  type BundleSeal,
  bundleFormat,
  bundlePath,
} from '@sgp/shared/sync-bundle';
import { createBatchPicker } from '@sgp/sync-engine/batch';
import type { OutboxChange } from '@sgp/sync-engine/ports';
import { encodePush, type Tenant } from '@sgp/sync-engine/wire';
import { type Body, compress } from '../bridge/core-http.ts';
import { type OutboxRow, toChange } from '../bridge/outbox-queue.ts';
import { rowsOf } from '../outbox/said-entities.ts';
import type { WrittenBundle } from './bundle-store.ts';
import { lastStart, type Start } from './last-start.ts';

export type WriteBundleDeps = {
  readonly db: Database;
  readonly tenant: Tenant;
  /** Signs with the tag `snapshot-bundle/1`. */
  readonly signer: RequestSigner;
  readonly now: () => number;
};

/** What is left of a file's room once this much of it is bodies: the lines around them compress to little. */
const bodiesMaxBytes = limits.bundleFileMaxBytes * 0.85;
/** Control first, as over the line: what is cut off by a limit is the least urgent. */
const inOrder = [...streams].sort((a, b) => streamRules[a].lane - streamRules[b].lane);

type Draft = { bundleId: string; batches: number; changes: number; bytes: number; complete: boolean };

/**
 * Writes what waits, in the newest version of each entity, as signed pushes into a file, which is there whole or not at all.
 * What it carries stays in the queue until the Core's acknowledgement comes back.
 * @throws AppError BUNDLE_EMPTY, DISK_FULL
 */
export async function writeBundle(deps: WriteBundleDeps, path: string): Promise<Omit<WrittenBundle, 'fileName'>> {
  const createdAt = deps.now();
  const draft: Draft = { bundleId: newId(), batches: 0, changes: 0, bytes: 0, complete: true };
  const start = await lastStart(deps.db);
  await replaceFileBy(path, (file) =>
    // No stream of the file itself: one that does not close it keeps it from ever being closed.
    pipeline(linesOfBundle(deps, start, draft, createdAt), createGzip(), async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) await file.writeFile(chunk);
    }),
  );
  const { bundleId, batches, changes, complete } = draft;
  return { bundleId, createdAt, batches, changes, complete, bytes: (await stat(path)).size };
}

async function* linesOfBundle(
  deps: WriteBundleDeps,
  start: Start,
  draft: Draft,
  createdAt: number,
): AsyncGenerator<string, void, void> {
  const sha256 = createHash('sha256');
  const write = (line: BundleLine): string => {
    const text = `${JSON.stringify(line)}\n`;
    sha256.update(text);
    return text;
  };
  const sign = (path: string, body: Body, place: number) => signLine(deps, path, body, `${draft.bundleId}-${place}`);
  const { companyId, establishmentId, nodeId } = deps.tenant;
  const { lowWaterSeq: _, ...disk } = start;
  const opening: BundleOpening = {
    ...{ format: bundleFormat, bundleId: draft.bundleId, companyId, establishmentId, nodeId },
    ...{ ...disk, sentAtMs: createdAt },
  };
  yield write({ kind: 'opening', ...(await sign(bundlePath, jsonBody(opening), 0)) });
  for await (const { stream, changes } of batchesOf(deps.db, start.lastSeq)) {
    if (isFull(draft, changes.length)) {
      draft.complete = false;
      break;
    }
    draft.batches += 1;
    draft.changes += changes.length;
    const body = pushBody(deps, start, { stream, changes, place: draft.batches, at: createdAt });
    draft.bytes += body.bytes.length;
    yield write({ kind: 'batch', stream, ...(await sign(streamRules[stream].path, body, draft.batches)) });
  }
  if (draft.batches === 0) throw new AppError('BUNDLE_EMPTY', 'Nothing waits; no file was written.');
  const { bundleId, batches, changes } = draft;
  const seal: BundleSeal = { bundleId, batches, changes, sha256: sha256.copy().digest('hex') };
  yield write({ kind: 'seal', ...(await sign(bundlePath, jsonBody(seal), batches + 1)) });
}

const isFull = (draft: Draft, more: number): boolean =>
  draft.batches >= limits.bundleBatchesMax ||
  draft.changes + more > limits.bundleChangesMax ||
  draft.bytes + limits.bundleLineMaxBytes > bodiesMaxBytes;

const jsonBody = (json: object): Body => ({ bytes: Buffer.from(JSON.stringify(json)) });

type FileBatch = { readonly stream: StreamName; readonly changes: readonly OutboxChange[] };

/** The body of the push that it would be; its number is its place in the file. */
function pushBody(
  { tenant }: WriteBundleDeps,
  { epoch, generation, instanceId, lowWaterSeq }: Start,
  { stream, changes, place, at }: FileBatch & { readonly place: number; readonly at: number },
): Body {
  const text = encodePush(tenant, {
    ...{ wire: { version: 2, generation, instanceId }, origin: 'queue', channel: 0, stream, epoch, pushSeq: place },
    ...{ lowWaterSeq, sentAt: at, changes, attempt: 1, signOffsetMs: 0 },
  });
  return compress(Buffer.from(text));
}

async function signLine(
  { signer, now }: WriteBundleDeps,
  path: string,
  { bytes, contentEncoding }: Body,
  idempotencyKey: string,
): Promise<Pick<BundleLine, 'headers' | 'body'>> {
  const { 'x-api-key': _, ...headers } = await signer.sign({
    ...{ method: 'POST', path, contentType: 'application/json', body: bytes, idempotencyKey, nowMs: now() },
    ...(contentEncoding && { contentEncoding }),
  });
  return { headers, body: Buffer.from(bytes).toString('base64') };
}

/** What waits up to a number, by stream, oldest first; one page of it is held at a time. */
async function* batchesOf(db: Database, lastSeq: number): AsyncGenerator<FileBatch, void, void> {
  for (const stream of inOrder) {
    let after = 0;
    for (;;) {
      const rows = await readPage(db, stream, { after, upTo: lastSeq });
      const picker = createBatchPicker<OutboxChange>({
        maxChanges: limits.syncBatchMaxChanges,
        maxBytes: limits.syncBatchMaxBytes,
      });
      for (const row of rows) picker.offer(toChange(row));
      const last = picker.picked.at(-1);
      if (last === undefined) break;
      yield { stream, changes: picker.picked };
      after = last.seq;
    }
  }
}

/**
 * The newest open row of each entity, as far as the numbers go that had been given when the file was begun. The plus signs
 * keep SQLite from the indices by number: a newer version is found by its key, or a long queue takes hours.
 */
export const pageSql = `select * from outbox as waiting
  where stream = ? and parked_at is null and seq > ? and seq <= ? and not exists (
    select 1 from outbox as newer
    where newer.stream = waiting.stream and newer.entity_id = waiting.entity_id and newer.version > waiting.version
      and +newer.parked_at is null and +newer.seq <= ?)
  order by seq limit ?`;

const readPage = (
  db: Database,
  stream: StreamName,
  { after, upTo }: { readonly after: number; readonly upTo: number },
): Promise<readonly OutboxRow[]> =>
  rowsOf<OutboxRow>(db, pageSql, [stream, after, upTo, upTo, limits.syncBatchMaxChanges]);
