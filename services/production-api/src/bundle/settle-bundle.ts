import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import type { Database } from '@sgp/service-kit/database';
import { linesOf } from '@sgp/service-kit/lines';
import { AppError } from '@sgp/shared/errors';
import { limits } from '@sgp/shared/limits';
import type { StreamName } from '@sgp/shared/sync';
import { type BundleAckClaims, bundleAckClaimsSchema, bundleAckHeadSchema } from '@sgp/shared/sync-bundle';
import type { ChangeRef, Delivery } from '@sgp/sync-engine/ports';
import type { CoreWords } from '../bridge/core-words.ts';
import { settle } from '../bridge/outbox-delivery.ts';
import { lockHead } from '../outbox/outbox-head.ts';
import type { BundleStore, KnownBundle } from './bundle-store.ts';

export type SettleBundleDeps = {
  readonly db: Database;
  readonly bundles: Pick<BundleStore, 'find'>;
  /** Verifies what the Core signed for this node. */
  readonly coreWords: CoreWords;
  readonly now: () => number;
};

/** Bytes that can be read more than once, from their beginning. */
export type AckSource = () => AsyncIterable<Buffer>;

export type Settled = {
  readonly bundleId: string;
  /** Changes that left the queue now, and those that the Core keeps aside. */
  readonly settled: number;
  readonly parked: number;
};

/**
 * Takes in the Core's acknowledgement of a file: exactly what it names is settled, and a version that was written meanwhile
 * stays. It is verified whole before anything is written, and may be taken in as often as one likes.
 * @throws AppError BUNDLE_INVALID, BUNDLE_FOREIGN, SIG_INVALID, SIG_KEY_UNKNOWN, BODY_TOO_LARGE
 */
export async function settleBundle(deps: SettleBundleDeps, source: AckSource): Promise<Settled> {
  let places = 0;
  const bundle = await readAck(deps, source, async () => {
    places += 1;
  });
  if (places !== bundle.batches) throw invalid('it ends before its last batch');
  let settled = 0;
  let parked = 0;
  await readAck(deps, source, async (claims) => {
    const did = await deps.db.transaction((tx) => settleBatch(tx, bundle, claims, deps.now()));
    settled += did.settled;
    parked += did.parked;
  });
  return { bundleId: bundle.bundleId, settled, parked };
}

const invalid = (reason: string): AppError =>
  new AppError('BUNDLE_INVALID', `This is no whole acknowledgement of a file: ${reason}. Nothing was changed.`);

/** Calls `batch` with each verified line. */
async function readAck(
  deps: SettleBundleDeps,
  source: AckSource,
  batch: (claims: BundleAckClaims) => Promise<void>,
): Promise<KnownBundle> {
  let bundle: KnownBundle | null = null;
  let place = 0;
  const ackLimits = { lineMaxBytes: limits.bundleLineMaxBytes, totalMaxBytes: limits.bundleAckInflatedMaxBytes };
  try {
    await pipeline(source(), createGunzip(), async (inflated: AsyncIterable<Buffer>) => {
      for await (const line of linesOf(inflated, ackLimits)) {
        if (bundle === null) {
          bundle = await findBundle(deps, line);
          continue;
        }
        place += 1;
        await batch(await readLine(deps.coreWords, line, bundle, place));
      }
    });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    throw code?.startsWith('Z_') === true ? invalid('it cannot be inflated') : error;
  }
  if (bundle === null) throw invalid('it is empty');
  return bundle;
}

async function findBundle({ bundles, db }: SettleBundleDeps, line: Buffer): Promise<KnownBundle> {
  const head = bundleAckHeadSchema.safeParse(parseJson(line));
  if (!head.success) throw invalid('its first line is another');
  const bundle = await bundles.find(db, head.data.bundleId);
  if (bundle) return bundle;
  throw new AppError('BUNDLE_FOREIGN', 'This answers a file that was not written here; nothing was changed.');
}

function parseJson(line: Buffer): unknown {
  try {
    return JSON.parse(line.toString('utf8'));
  } catch {
    return null;
  }
}

async function readLine(
  coreWords: CoreWords,
  line: Buffer,
  { bundleId, batches }: KnownBundle,
  place: number,
): Promise<BundleAckClaims> {
  const claims = bundleAckClaimsSchema.safeParse(await coreWords('bundle-ack+jwt', line.toString('utf8')));
  if (!claims.success) throw invalid('a line says something else');
  const inPlace = claims.data.bundleId === bundleId && claims.data.place === place && claims.data.of === batches;
  if (!inPlace) throw invalid('a line is not in its place');
  return claims.data;
}

async function settleBatch(
  tx: Database,
  bundle: KnownBundle,
  { stream, ack }: BundleAckClaims,
  at: number,
): Promise<Pick<Settled, 'settled' | 'parked'>> {
  await lockHead(tx);
  const waiting = await stillWaiting(tx, stream, ack);
  const done: Delivery['done'][number][] = [];
  const parked: Delivery['parked'][number][] = [];
  for (const { id, outcome, reason } of ack.results) {
    const change = waiting.get(id);
    if (!change) continue;
    if (outcome !== 'parked') done.push({ change, outcome });
    else if (!change.isParked) parked.push({ change, reason: reason ?? { code: 'INTERNAL', detail: '' } });
  }
  const settled = await settle(tx, {
    ...{ at, done, parked, sentAt: bundle.createdAt, appliedAt: ack.committedAtMs },
  });
  await noteTotals(tx, ack, settled);
  return { settled, parked: parked.length };
}

/**
 * By their ids: a number may have been given again since, on a disk that was restored. The stream is looked at afterwards:
 * SQLite would walk through all of it for each batch.
 */
async function stillWaiting(
  tx: Database,
  stream: StreamName,
  { results }: BundleAckClaims['ack'],
): Promise<ReadonlyMap<string, ChangeRef & { readonly isParked: boolean }>> {
  const rows: readonly WaitingRow[] = await tx('outbox')
    .whereIn(
      'id',
      results.map(({ id }) => id),
    )
    .select('seq', 'id', 'stream', 'entity_id', 'version', 'parked_at');
  const waiting = rows
    .filter((row) => row.stream === stream)
    .map(({ entity_id: entityId, parked_at, ...ref }) => ({ ...ref, entityId, isParked: parked_at !== null }));
  return new Map(waiting.map((change) => [change.id, change]));
}

type WaitingRow = Omit<ChangeRef, 'entityId'> & { readonly entity_id: string; readonly parked_at: number | null };

/** The line itself is as it was: only what the Core knows moved on. */
async function noteTotals(tx: Database, ack: BundleAckClaims['ack'], settled: number): Promise<void> {
  const { committedAtMs } = ack;
  const state = tx('sync_state').where({ id: 1 });
  await state.clone().update({
    last_ack_at: tx.raw('case when last_ack_at > ? then last_ack_at else ? end', [committedAtMs, committedAtMs]),
    changes_acked: tx.raw('changes_acked + ?', [settled]),
  });
  await state
    .clone()
    .where({ epoch: ack.epoch })
    .where('acked_seq', '<', ack.ackedSeq)
    .update({ acked_seq: ack.ackedSeq });
}
