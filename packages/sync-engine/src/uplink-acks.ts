import { limits } from '@sgp/shared/limits';
import type { PushAck } from '@sgp/shared/sync';
import type { ChangeRef, Delivery, OutboxChange, ParkedChange, Push } from './ports.ts';

/** What an acknowledgement and the time that it took say, whichever channel it came on. */

export const isFor = (ack: PushAck, sent: Push): boolean => ack.pushSeq === sent.pushSeq && ack.epoch === sent.epoch;

/** @param alsoParked proved guilty by this acknowledgement */
export function readAck(
  sent: Push,
  { ack, bytes }: { readonly ack: PushAck; readonly bytes: number },
  now: number,
  alsoParked: readonly ParkedChange[],
): Delivery {
  const sentBySeq = new Map(sent.changes.map((change) => [change.seq, change]));
  const done: Delivery['done'][number][] = [];
  const parked = [...alsoParked];
  for (const { seq, id, outcome, reason } of ack.results) {
    const change = sentBySeq.get(seq);
    if (change?.id !== id) continue;
    if (outcome === 'parked')
      parked.push({
        change: refTo(change),
        reason: reason ?? { code: 'BODY_INVALID', detail: 'the cloud gave no reason' },
      });
    else done.push({ change: refTo(change), outcome });
  }
  // A resend may be answered from memory with the time of the first commit, which says nothing about the clocks now.
  const clockSkewMs = sent.attempt === 1 ? skewOf(sent.sentAt, now, ack.committedAtMs) : null;
  const { ackedSeq, committedAtMs: appliedAt, shown } = ack;
  return {
    at: now,
    sentAt: sent.sentAt,
    appliedAt,
    done,
    parked,
    ackedSeq,
    bytes,
    clockSkewMs,
    ...(shown && { shown }),
  };
}

/** Our clock minus the Core's, at the middle of an exchange. */
export const skewOf = (sentAt: number, now: number, coreTimeMs: number): number =>
  Math.round((sentAt + now) / 2 - coreTimeMs);

/** Position is what counts: an acknowledgement that acknowledges nothing must not spin. */
export const namesNothing = (sent: Push, { done, parked }: Delivery): boolean =>
  sent.changes.length > 0 && done.length + parked.length === 0;

export const refTo = ({ seq, id, stream, entityId, version }: OutboxChange): ChangeRef => ({
  seq,
  id,
  stream,
  entityId,
  version,
});

/** A resend keeps the time of the first attempt, which says nothing about this one. */
export const tookLong = (sent: Push, now: number): boolean =>
  sent.attempt === 1 && now - sent.sentAt > limits.syncSlowPushMs;

/** The next batch after one that failed on the way. */
export const halfOf = ({ changes }: Push, size: number): number =>
  changes.length > 1 ? Math.min(size, Math.ceil(changes.length / 2)) : size;

/** The next batch after one that was acknowledged. One that used little of its size says nothing about a larger one. */
export function sizeAfterAck(sent: Push, now: number, size: number, max: number): number {
  if (tookLong(sent, now)) return Math.min(size, Math.max(limits.syncSlowBatchMinChanges, halfOf(sent, size)));
  return sent.changes.length * 2 > size ? Math.min(max, size * 2) : Math.min(max, size);
}
