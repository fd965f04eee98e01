import { limits } from '@sgp/shared/limits';
import type { AwayWindow } from './away.ts';

/** Times in milliseconds since 1970. */
export type TimeQuestion = {
  /** The machine's own time of the message. */
  readonly ts: number;
  /** When we read it. */
  readonly receivedAt: number;
  /** The broker kept it for us (retained), so that its age says nothing about the machine's clock. */
  readonly retained: boolean;
  /** When we last were away: the broker then kept messages for us, whose age is our fault. */
  readonly away: AwayWindow | null;
  /** The machine's skew at its last message; null when it never was measured. */
  readonly knownSkewMs: number | null;
};
export type TimeAnswer = {
  /** The time under which the message is filed. */
  readonly at: number;
  /** The machine's own time where it was not believed; else null. */
  readonly machineAt: number | null;
  /** Machine's clock minus ours, where this message can tell; else null. */
  readonly skewMs: number | null;
};

const dayMs = 24 * 60 * 60 * 1000;

export const isSkewed = (skewMs: number): boolean => Math.abs(skewMs) > limits.floorClockSkewMaxMs;

/**
 * Decides under which time a message is filed. A time near ours is believed. An old one is believed too when its age
 * has another reason than a wrong clock: the broker held it while we were away, or keeps it as retained.
 */
export function judgeTime({ ts, receivedAt, retained, away, knownSkewMs }: TimeQuestion): TimeAnswer {
  const skewMs = ts - receivedAt;
  if (retained) {
    const believable = skewMs <= limits.floorClockSkewMaxMs && -skewMs <= limits.telemetryRetentionDays * dayMs;
    return { at: believable ? ts : receivedAt, machineAt: believable ? null : ts, skewMs: null };
  }
  if (!isSkewed(skewMs)) return { at: ts, machineAt: null, skewMs };
  const clockIsTrusted = knownSkewMs !== null && !isSkewed(knownSkewMs);
  const heldForUs =
    away !== null && ts >= away.from - limits.floorClockSkewMaxMs && ts <= away.to + limits.floorClockSkewMaxMs;
  if (skewMs < 0 && clockIsTrusted && heldForUs) return { at: ts, machineAt: null, skewMs: null };
  return { at: receivedAt, machineAt: ts, skewMs };
}

/**
 * Files the samples of one message whose newest one was judged. Where its clock was not believed, the samples keep
 * their distance to the newest. A single sample that is far off in a message that is not is filed under the arrival.
 */
export function fileSample(
  ts: number,
  newest: { readonly ts: number; readonly answer: TimeAnswer; readonly receivedAt: number },
): { readonly at: number; readonly skewMs: number } {
  const shifted = ts - newest.ts + newest.answer.at;
  // An array may hold a backlog: its older samples are as true as its newest, up to what is kept at all.
  const inReach = newest.answer.at - shifted <= limits.telemetryRetentionDays * dayMs;
  const at = inReach ? shifted : newest.receivedAt;
  return { at, skewMs: ts - at };
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** Local day in an IANA zone, `YYYY-MM-DD`. */
export function localDay(at: number, timeZone: string): string {
  let format = formats.get(timeZone);
  if (!format) {
    format = new Intl.DateTimeFormat('sv-SE', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' });
    formats.set(timeZone, format);
  }
  return format.format(at);
}
