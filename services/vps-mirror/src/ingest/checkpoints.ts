import { type Database, isPostgres } from '@sgp/service-kit/database';
import { AppError } from '@sgp/shared/errors';
import type { HelloAnswer } from '@sgp/shared/sync-hello';
import type { EpochCheckpoint } from '@sgp/sync-engine/instances';
import type { Envelope } from './decode-batch.ts';

/** Where each node stands: one row for each channel of each epoch, so that channels never wait for each other. */

/** Version 1 has one channel. */
export const channelOf = (envelope: Envelope): number => (envelope.schemaVersion === 1 ? 0 : envelope.channel);

/**
 * Takes a push number and notes up to where nothing is open any more: compare and set (SECURITY P9), so that of two
 * writers with one number one finds the row moved on. Each channel's row takes over the highest mark of all channels.
 * @returns the mark
 * @throws AppError SEQ_STALE with `details.lastPushSeq`
 */
export async function advanceCheckpoint(
  tx: Database,
  envelope: Envelope,
  closedUpTo: number,
  nowMs: number,
): Promise<number> {
  const { nodeId, epoch, pushSeq, sentAtMs } = envelope;
  const max = greatest(tx);
  const bigint = isPostgres(tx) ? '::bigint' : '';
  const answer = await tx.raw(
    `insert into push_checkpoints (node_id, epoch, channel, push_seq, acked_seq, max_seq, last_at, skew_ms)
     values (?, ?, ?, ?,
       ${max}(?${bigint}, coalesce((select max(acked_seq) from push_checkpoints where node_id = ? and epoch = ?), 0)),
       ?, ?, ?)
     on conflict (node_id, epoch, channel) do update set push_seq = excluded.push_seq,
       acked_seq = ${max}(push_checkpoints.acked_seq, excluded.acked_seq),
       max_seq = ${max}(push_checkpoints.max_seq, excluded.max_seq),
       last_at = excluded.last_at, skew_ms = excluded.skew_ms
     where push_checkpoints.push_seq < excluded.push_seq
     returning acked_seq`,
    [
      ...[nodeId, epoch, channelOf(envelope), pushSeq, closedUpTo, nodeId, epoch],
      ...[maxSeqOf(envelope), nowMs, sentAtMs - nowMs],
    ],
  );
  const rows: readonly { readonly acked_seq: number }[] = isPostgres(tx) ? answer.rows : answer;
  const row = rows[0];
  if (!row)
    throw new AppError(
      'SEQ_STALE',
      'This push is not above the last one of its node and channel; nothing was changed.',
      { details: await lastPushSeq(tx, envelope) },
    );
  return row.acked_seq;
}

/**
 * Notes what a push of a file closed. Its number is its place in the file and counts for nothing here: the idempotency key
 * alone makes its repeat harmless. What it says of the clock is as old as the file.
 * @returns the mark
 */
export async function noteFilePush(
  tx: Database,
  envelope: Envelope,
  closedUpTo: number,
  nowMs: number,
): Promise<number> {
  const { nodeId, epoch } = envelope;
  const max = greatest(tx);
  await tx('push_checkpoints')
    .insert({
      ...{ node_id: nodeId, epoch, channel: channelOf(envelope), push_seq: 0, skew_ms: 0 },
      ...{ acked_seq: closedUpTo, max_seq: maxSeqOf(envelope), last_at: nowMs },
    })
    .onConflict(['node_id', 'epoch', 'channel'])
    .merge({
      acked_seq: tx.raw(`${max}(push_checkpoints.acked_seq, excluded.acked_seq)`),
      max_seq: tx.raw(`${max}(push_checkpoints.max_seq, excluded.max_seq)`),
    });
  return (await checkpointOf(tx, envelope)).ackedSeq;
}

const greatest = (tx: Database): string => (isPostgres(tx) ? 'greatest' : 'max');

const maxSeqOf = ({ changes, lowWaterSeq }: Envelope): number =>
  changes.reduce((max, { seq }) => Math.max(max, seq), lowWaterSeq);

export type NodeEpoch = Pick<Envelope, 'nodeId' | 'epoch'>;

/** What all channels of an epoch say together; zeros for an epoch that never pushed. */
export async function checkpointOf(
  tx: Database,
  { nodeId, epoch }: NodeEpoch,
): Promise<EpochCheckpoint & Pick<HelloAnswer, 'channels'>> {
  const rows: readonly { channel: number; push_seq: number; acked_seq: number; max_seq: number }[] = await tx(
    'push_checkpoints',
  )
    .where({ node_id: nodeId, epoch })
    .orderBy('channel')
    .select('channel', 'push_seq', 'acked_seq', 'max_seq');
  return {
    ackedSeq: Math.max(0, ...rows.map((row) => row.acked_seq)),
    maxSeq: Math.max(0, ...rows.map((row) => row.max_seq)),
    channels: rows.map((row) => ({ channel: row.channel, pushSeq: row.push_seq })),
  };
}

/** For refusals: the last number that was taken on the push's channel. */
export async function lastPushSeq(db: Database, envelope: Envelope): Promise<{ lastPushSeq?: number }> {
  const { channels } = await checkpointOf(db, envelope);
  const channel = channelOf(envelope);
  const pushSeq = channels.find((each) => each.channel === channel)?.pushSeq;
  return pushSeq === undefined ? {} : { lastPushSeq: pushSeq };
}
