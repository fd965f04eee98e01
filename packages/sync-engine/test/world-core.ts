import { canonicalJson } from '@sgp/shared/canonical-json';
import { streamsOfVersion1 } from '@sgp/shared/sync';
import { decideBatch, type InboxRow } from '@sgp/sync-engine/inbox';
import { judgeHello, judgePush, type NodeInstances } from '@sgp/sync-engine/instances';
import type {
  ChangeRef,
  DiskIdentity,
  HelloOutcome,
  HelloRequest,
  OutboxChange,
  Push,
  PushOutcome,
} from '@sgp/sync-engine/ports';
import { idempotencyKey } from '@sgp/sync-engine/wire';

/** The Core of the test world: handshake, idempotency key, push numbers, poison, one transaction, acknowledgement. */

export function law(holds: boolean, text: string): void {
  if (!holds) throw new Error(`broken law: ${text}`);
}

export const numberOf = ({ entityId }: { readonly entityId: string }): number => Number(entityId.slice(-12));

type Checkpoint = { readonly ackedSeq: number; readonly maxSeq: number };
type Answered = { readonly text: string; readonly outcome: PushOutcome };
type CoreState = {
  readonly rows: Map<string, InboxRow>;
  readonly effects: Map<string, number>;
  readonly answers: Map<string, Answered>;
  /** By epoch and channel. */
  readonly lastPushSeqs: Map<string, number>;
  readonly checkpoints: Map<string, Checkpoint>;
  readonly node: { instances: NodeInstances | null };
};
export type Core = ReturnType<typeof createCore>;

export const isOnCore = (core: Pick<Core, 'rows'>, each: Pick<ChangeRef, 'entityId' | 'version'>): boolean =>
  (core.rows.get(each.entityId)?.version ?? 0) >= each.version;

const channelKey = ({ epoch, channel }: Pick<Push, 'epoch' | 'channel'>): string => `${epoch}-${channel}`;
const empty: Checkpoint = { ackedSeq: 0, maxSeq: 0 };

export function createCore(isPoison: (entityNumber: number) => boolean) {
  let state: CoreState = {
    rows: new Map(),
    effects: new Map(),
    answers: new Map(),
    lastPushSeqs: new Map(),
    checkpoints: new Map(),
    node: { instances: null },
  };
  let version: 1 | 2 = 2;
  /** By id: what a restore took from this Core is missing until the comparison sends it again. */
  let forgotten: ReadonlySet<string> = new Set();

  const hello = (disk: DiskIdentity, { superseded }: HelloRequest, now: number): HelloOutcome => {
    if (version === 1) return { type: 'hello-unsupported' };
    const checkpoint = state.checkpoints.get(disk.epoch) ?? empty;
    const { answer, next } = judgeHello(state.node.instances, checkpoint, { ...disk, superseded });
    state.node.instances = next;
    if (answer === 'forked') return { type: 'refused', code: 'NODE_STATE_FORKED', detail: 'two live copies' };
    if (answer === 'superseded') return { type: 'refused', code: 'NODE_SUPERSEDED', detail: '' };
    const channels = [...state.lastPushSeqs]
      .filter(([key]) => key.startsWith(disk.epoch))
      .map(([key, pushSeq]) => ({ channel: Number(key.slice(-1)), pushSeq }));
    return {
      type: 'hello-answered',
      answer: { schemaVersion: 2, verdict: answer, ackedSeq: checkpoint.ackedSeq, channels, coreTimeMs: now },
    };
  };

  const judge = (push: Push): PushOutcome | null => {
    const { wire, epoch } = push;
    if (version === 1) {
      // An old Core takes what it does not know for a broken body.
      if (wire.version === 2) return { type: 'refused', code: 'BODY_INVALID', detail: 'schemaVersion' };
      law(push.channel === 0, 'an old Core hears one channel');
      law(
        (streamsOfVersion1 as readonly string[]).includes(push.stream),
        'an old Core hears the streams that it knows',
      );
    }
    if (wire.version === 1) return null;
    const judgement = judgePush(state.node.instances, { epoch, instanceId: wire.instanceId });
    if (judgement === 'go-on') return null;
    if (judgement === 'forked') return { type: 'refused', code: 'NODE_STATE_FORKED', detail: '' };
    const presentInstance = state.node.instances?.present.instanceId;
    return { type: 'refused', code: 'NODE_SUPERSEDED', detail: '', ...(presentInstance && { presentInstance }) };
  };

  const receive = (push: Push, written: readonly OutboxChange[], now: number): PushOutcome => {
    const refusal = judge(push);
    if (refusal !== null) return refusal;
    const { attempt: _, signOffsetMs: __, ...sent } = push;
    const text = canonicalJson(sent as never);
    const key = idempotencyKey(push);
    const known = state.answers.get(key);
    if (known) {
      law(known.text === text, 'I5: one push number, one content');
      return known.outcome;
    }
    const lastPushSeq = state.lastPushSeqs.get(channelKey(push)) ?? 0;
    if (push.pushSeq <= lastPushSeq) return { type: 'refused', code: 'SEQ_STALE', detail: '', lastPushSeq };
    const ids = new Set(push.changes.map(({ entityId }) => entityId));
    law(ids.size === push.changes.length, 'I4: an entity is in a batch once');
    law(new Set(push.changes.map(({ stream }) => stream)).size <= 1, 'a batch holds one stream');
    for (const each of written)
      if (each.seq <= push.lowWaterSeq && !forgotten.has(each.id))
        law(isOnCore(state, each), 'I9: at or below lowWaterSeq nothing is open');
    if (push.changes.some((each) => isPoison(numberOf(each))))
      return { type: 'refused', code: 'BODY_INVALID', detail: 'poison' };
    const outcome: PushOutcome = { type: 'acked', ack: apply(push, now), bytes: 1 };
    state.answers.set(key, { text, outcome });
    return outcome;
  };

  const apply = (push: Push, now: number) => {
    const { epoch, pushSeq, lowWaterSeq: ackedSeq, changes } = push;
    state.lastPushSeqs.set(channelKey(push), pushSeq);
    const before = state.checkpoints.get(epoch) ?? empty;
    state.checkpoints.set(epoch, {
      ackedSeq: Math.max(before.ackedSeq, ackedSeq),
      maxSeq: Math.max(before.maxSeq, ...changes.map(({ seq }) => seq)),
    });
    const { decisions, written } = decideBatch(changes, ({ entityId }) => state.rows.get(entityId) ?? null);
    for (const [, each] of written) {
      law(
        each.version > (state.rows.get(each.entityId)?.version ?? 0),
        'versions of an entity take effect in their order',
      );
      state.rows.set(each.entityId, each);
      const effect = `${each.entityId}/${each.version}`;
      state.effects.set(effect, (state.effects.get(effect) ?? 0) + 1);
    }
    const results = changes.map(({ seq, id }) => ({ seq, id, outcome: decisions.get(seq)?.outcome ?? 'parked' }));
    return { epoch, pushSeq, ackedSeq, committedAtMs: now, results };
  };

  return {
    hello,
    receive: (push: Push, written: readonly OutboxChange[], now: number) => receive(push, written, now),
    /** The Core took pushes of this channel that this edge does not remember. */
    raiseNumbers(push: Push, by: number): void {
      const key = channelKey(push);
      state.lastPushSeqs.set(key, (state.lastPushSeqs.get(key) ?? 0) + by);
    },
    setVersion(next: 1 | 2): void {
      version = next;
    },
    backUp: (): CoreState => structuredClone(state),
    restore(copy: CoreState, written: readonly OutboxChange[]): void {
      const known = written.filter((each) => isOnCore(state, each));
      state = structuredClone(copy);
      forgotten = new Set(known.filter((each) => !isOnCore(state, each)).map(({ id }) => id));
    },
    /** Another live process with the node's identity speaks; `generation` as the copied disk counts it. */
    takeOver(disk: Pick<DiskIdentity, 'epoch' | 'generation' | 'instanceId'>): void {
      state.node.instances = {
        present: disk,
        formerEpochs: state.node.instances?.formerEpochs ?? [],
        forked: false,
      };
    },
    /** The vendor decided that this node goes on. */
    clearFork(): void {
      if (state.node.instances) state.node.instances = { ...state.node.instances, forked: false };
    },
    get instances() {
      return state.node.instances;
    },
    get rows() {
      return state.rows;
    },
    get effects() {
      return state.effects;
    },
  };
}
