import { limits } from '@sgp/shared/limits';
import { helperStreams } from './lanes.ts';
import type { Push } from './ports.ts';
import { refusalKind } from './refusals.ts';
import { halfOf, isFor, namesNothing, readAck, sizeAfterAck, tookLong } from './uplink-acks.ts';
import { raisedAbove } from './uplink-answers.ts';
import {
  type ChannelEvent,
  type ChannelEventType,
  type Effect,
  type Env,
  factsOf,
  type Helper,
  type HelperIn,
  type HelperPhase,
  type HelperPhaseState,
  type Memory,
  type Step,
  type UplinkState,
  withMemory,
} from './uplink-state.ts';
import { newPush } from './uplink-steps.ts';

/** The channels beside the lead (docs/sync-protocol.md §3.2). They never wait, never resend and never judge. */

type ChannelEventOf<E extends ChannelEventType> = Extract<ChannelEvent, { type: E }>;
type Cell<P extends HelperPhase, E extends ChannelEventType> = (
  state: UplinkState,
  helper: HelperIn<P>,
  event: ChannelEventOf<E>,
  env: Env,
) => Step;
type Table = { readonly [P in HelperPhase]: { readonly [E in ChannelEventType]: Cell<P, E> } };

const ignored = (state: UplinkState): Step => [state, []];

/** Every phase with every event: a missing cell does not compile. */
const table: Table = {
  off: {
    'batch-loaded': ignored,
    'nothing-loaded': ignored,
    acked: ignored,
    stored: ignored,
    refused: ignored,
    'network-failed': ignored,
    timeout: ignored,
    'storage-failed': ignored,
  },
  loading: {
    'batch-loaded': onBatchLoaded,
    'nothing-loaded': (state, helper) => turnOff(state, helper),
    acked: ignored,
    stored: ignored,
    refused: ignored,
    'network-failed': ignored,
    timeout: ignored,
    'storage-failed': (state, helper) => fail(state, helper, {}),
  },
  pushing: {
    'batch-loaded': ignored,
    'nothing-loaded': ignored,
    acked: onAcked,
    stored: ignored,
    refused: onRefused,
    'network-failed': (state, helper) => fail(state, helper, smaller(state.memory, helper.push)),
    timeout: (state, helper) => fail(state, helper, smaller(state.memory, helper.push)),
    'storage-failed': ignored,
  },
  storing: {
    'batch-loaded': ignored,
    'nothing-loaded': ignored,
    acked: ignored,
    stored: onStored,
    refused: ignored,
    'network-failed': ignored,
    timeout: ignored,
    'storage-failed': (state, helper) => fail(state, helper, {}),
  },
};

export function stepHelper(state: UplinkState, channel: number, event: ChannelEvent, env: Env): Step {
  const helper = state.memory.helpers.find((each) => each.channel === channel);
  if (helper === undefined || state.phase === 'stopped') return [state, []];
  const cell = table[helper.phase][event.type] as Cell<HelperPhase, ChannelEventType>;
  return cell(state, helper, event, env);
}

/** Starts one more helper, if the lead is sound and the line bears it. */
export function wakeHelper([state, effects]: Step): Step {
  const sleeper = state.memory.helpers.find(({ phase, channel }) => phase === 'off' && mayRun(state, channel));
  if (sleeper === undefined) return [state, effects];
  const [next, more] = load(state, sleeper);
  return [next, [...effects, ...more]];
}

/** Every helper ends where it is: what it had claimed is free, and what comes back to it comes back to nobody. */
export function turnAllOff(memory: Memory): readonly [Memory, readonly Effect[]] {
  const busy = memory.helpers.filter(({ phase }) => phase !== 'off');
  const helpers = memory.helpers.map(({ channel }): Helper => ({ channel, ticks: 0, phase: 'off' }));
  return [{ ...memory, helpers }, busy.map(({ channel }) => ({ type: 'release', channel }))];
}

function mayRun({ phase, memory }: UplinkState, channel: number): boolean {
  const leadIsSound =
    memory.exchanged && memory.blocked === null && memory.suspects.length === 0 && memory.accused === null;
  const leadIsAtWork = phase === 'idle' || phase === 'loading' || phase === 'pushing' || phase === 'storing';
  return (
    leadIsSound && leadIsAtWork && memory.wire.version === 2 && channel <= (memory.slow ? 1 : memory.helpers.length)
  );
}

function load(state: UplinkState, { channel }: Helper): Step {
  const turn = state.memory.helperTurn + 1;
  const memory: Memory = { ...withPhase(state.memory, channel, { phase: 'loading' }), helperTurn: turn };
  const request = {
    origin: 'queue',
    channel,
    streams: helperStreams(turn),
    only: null,
    maxChanges: memory.helperMaxChanges,
    maxBytes: limits.syncBatchMaxBytes,
    heartbeat: false,
    pushSeqAbove: memory.pushSeqAbove[channel] ?? 0,
  } as const;
  return [withMemory(state, memory), [{ type: 'load-batch', request }]];
}

function onBatchLoaded(
  state: UplinkState,
  helper: HelperIn<'loading'>,
  { batch }: ChannelEventOf<'batch-loaded'>,
  env: Env,
): Step {
  if (!mayRun(state, helper.channel)) return turnOff(state, helper);
  const push = newPush(state.memory, batch, 'queue', env);
  const memory = withPhase(state.memory, helper.channel, { phase: 'pushing', push });
  const step: Step = [withMemory(state, memory), [{ type: 'push', push }]];
  return batch.more ? wakeHelper(step) : step;
}

function onAcked(state: UplinkState, helper: HelperIn<'pushing'>, event: ChannelEventOf<'acked'>, env: Env): Step {
  const { push: sent, channel } = helper;
  const { memory } = state;
  const delivery = readAck(sent, event, env.now, []);
  if (!isFor(event.ack, sent) || namesNothing(sent, delivery)) return fail(state, helper, {});
  const acked: Memory = {
    ...withPhase(memory, channel, { phase: 'storing', stream: sent.stream }),
    lastAckAt: env.now,
    ackedSeq: Math.max(memory.ackedSeq, delivery.ackedSeq),
    clockSkewMs: delivery.clockSkewMs ?? memory.clockSkewMs,
    helperMaxChanges: sizeAfterAck(sent, env.now, memory.helperMaxChanges, limits.syncBatchMaxChanges),
    slow: tookLong(sent, env.now),
  };
  return [withMemory(state, acked), [{ type: 'deliver', channel, delivery }]];
}

function onStored(state: UplinkState, helper: HelperIn<'storing'>): Step {
  const report = { type: 'report', facts: factsOf(state.memory) } as const;
  const [next, effects] = mayRun(state, helper.channel) ? load(state, helper) : turnOff(state, helper);
  return [next, [report, ...effects]];
}

function onRefused(state: UplinkState, helper: HelperIn<'pushing'>, refusal: ChannelEventOf<'refused'>): Step {
  const { memory } = state;
  const { push: sent } = helper;
  switch (refusalKind(refusal.code)) {
    case 'content':
    case 'server': {
      // The lead sends them again as one group, and judges by what comes of that.
      const group = sent.changes.map(({ stream, entityId }) => ({ stream, entityId }));
      return fail(state, helper, { suspects: [...memory.suspects, group] });
    }
    case 'renumber':
      return fail(state, helper, { pushSeqAbove: raisedAbove(memory, sent, refusal) });
    case 'clock':
    case 'resend':
    case 'busy':
    case 'superseded':
    case 'forked':
    case 'paused':
    case 'failed':
      return fail(state, helper, {});
  }
}

const smaller = (memory: Memory, sent: Push): Partial<Memory> => ({
  helperMaxChanges: halfOf(sent, memory.helperMaxChanges),
});

/** No helper starts again before the lead is acknowledged. */
function fail(state: UplinkState, helper: Helper, learned: Partial<Memory>): Step {
  return turnOff(withMemory(state, { ...state.memory, ...learned, exchanged: false }), helper);
}

const turnOff = (state: UplinkState, { channel }: Helper): Step => [
  withMemory(state, withPhase(state.memory, channel, { phase: 'off' })),
  [{ type: 'release', channel }],
];

function withPhase(memory: Memory, channel: number, phase: HelperPhaseState): Memory {
  const helpers = memory.helpers.map((each): Helper => {
    if (each.channel !== channel) return each;
    // What is off has nothing to watch; what was stored begins anew.
    const ticks = phase.phase === 'off' || each.phase === 'storing' ? 0 : each.ticks;
    return { channel, ticks, ...phase };
  });
  return { ...memory, helpers };
}
