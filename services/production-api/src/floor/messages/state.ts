import type { EventLevel, MachineState, StateMessage } from '@sgp/shared/floor-messages';
import { limits } from '@sgp/shared/limits';
import type { TimeAnswer } from '../clock.ts';
import { type MessageContext, timed } from './context.ts';

const levels: Readonly<Record<MachineState, EventLevel>> = {
  running: 'info',
  idle: 'info',
  stopped: 'warn',
  fault: 'error',
  off: 'info',
};

/** `up/state`: it wins when it is not older than the last one; a change is a line of the log. */
export async function takeState(context: MessageContext, { ts, state, reason }: StateMessage): Promise<boolean> {
  const { draft, machineId } = context;
  const answer = context.time(ts);
  const key = `${ts}:${state}`;
  if (answer.machineAt !== null && (await isSkewedRepeat(context, answer, key))) return false;
  const status = draft.status(machineId);
  const same = status.state === state && status.stateReason === (reason ?? null);
  const newer = status.stateAt === null || answer.at >= status.stateAt;
  if (same && newer) {
    // Machines that repeat their state as a sign of life would fill the log.
    if (answer.at === status.stateAt) return false;
    draft.patch(machineId, { stateAt: answer.at });
    return true;
  }
  if (!newer && (await isOldNews(context, answer.at, state, reason ?? ''))) return false;
  const line = {
    ...timed(answer),
    kind: 'state',
    level: levels[state],
    code: state,
    text: reason ?? '',
    data: {},
  } as const;
  // A wrong clock may say one time twice, so the arrival tells its messages apart.
  const stored = await draft.line(machineId, line, answer.machineAt === null ? key : skewedKey(key, answer.at));
  if (!stored) return false;
  if (newer) {
    const stateSince = status.state === state ? status.stateSince : answer.at;
    draft.patch(machineId, { state, stateReason: reason ?? null, stateAt: answer.at, stateSince });
  }
  return true;
}

/** A state that came late and changed nothing even then: it was a sign of life, which has no line. */
async function isOldNews({ draft, machineId }: MessageContext, at: number, state: string, reason: string) {
  const before = await draft.stateBefore(machineId, at);
  return before?.code === state && before.text === reason;
}

const skewedKey = (key: string, at: number): string => `${key}~${String(at).padStart(14, '0')}`;

/**
 * Was this state of a machine with a wrong clock stored a short while ago? A clock that stands still sends one time with
 * each state, so the state after it must differ to be news.
 */
async function isSkewedRepeat(
  { draft, machineId, retained }: MessageContext,
  answer: TimeAnswer,
  key: string,
): Promise<boolean> {
  const sinceMs = retained ? 0 : answer.at - limits.floorClockSkewMaxMs;
  const stored = await draft.hasLine(machineId, 'state', skewedKey(key, sinceMs), skewedKey(key, answer.at));
  if (!stored) return false;
  const state = key.slice(key.indexOf(':') + 1);
  const ts = key.slice(0, key.indexOf(':'));
  const current = draft.status(machineId).state;
  if (current === null || current === state) return true;
  // The present state was said under the same time: the clock stands still and this is a change back.
  const currentKey = `${ts}:${current}`;
  const clockStands = await draft.hasLine(
    machineId,
    'state',
    skewedKey(currentKey, sinceMs),
    skewedKey(currentKey, answer.at),
  );
  return retained || !clockStands;
}
