import { type StreamName, streamsOfVersion1 } from '@sgp/shared/sync';
import type { DigestAnswer } from '@sgp/shared/sync-digest';
import type { DigestQuestion } from '@sgp/sync-engine/compare-state';
import { decideBatch } from '@sgp/sync-engine/inbox';
import { judgeHello, judgePush, type NodeInstances } from '@sgp/sync-engine/instances';
import { isOverwrite } from '@sgp/sync-engine/lineage';
import type { DiskIdentity, HelloOutcome, HelloRequest, OutboxChange, Push, PushOutcome } from '@sgp/sync-engine/ports';
import { idempotencyKey } from '@sgp/sync-engine/wire';
import { createProcessClock } from './clock.ts';
import { answerDigest } from './core-digest.ts';
import { contentKey } from './edge-disk.ts';
import type { Books } from './laws.ts';
import type { CrashAt } from './plan.ts';
import { law, type Mutant } from './rules.ts';
import { judgeSignatureTime } from './signature.ts';
import { addTo, digestOf, type Sums } from './sums.ts';
import type { VirtualTime } from './virtual-time.ts';

export type CoreRow = OutboxChange & { readonly digest: string };
export type CoreDisk = {
  readonly instances: Map<number, NodeInstances>;
  readonly checkpoints: Map<string, { readonly ackedSeq: number; readonly maxSeq: number }>;
  readonly pushSeqs: Map<string, number>;
  readonly answers: Map<string, { readonly text: string; readonly outcome: PushOutcome }>;
  /** By `{edge}/{stream}/{entityId}`. */
  readonly rows: Map<string, CoreRow>;
  readonly sums: Sums;
  readonly effects: Map<string, number>;
};
const newDisk = (): CoreDisk => ({
  instances: new Map(),
  checkpoints: new Map(),
  pushSeqs: new Map(),
  answers: new Map(),
  rows: new Map(),
  sums: new Map(),
  effects: new Map(),
});
export const copyCoreDisk = (disk: CoreDisk): CoreDisk => ({
  instances: new Map(disk.instances),
  checkpoints: new Map(disk.checkpoints),
  pushSeqs: new Map(disk.pushSeqs),
  answers: new Map(disk.answers),
  rows: new Map(disk.rows),
  sums: new Map(disk.sums),
  effects: new Map(disk.effects),
});

const isOfVersion1 = (stream: StreamName): boolean => (streamsOfVersion1 as readonly StreamName[]).includes(stream);
const diskFull = { type: 'refused', code: 'DISK_FULL', detail: '' } as const;
const nothing = { ackedSeq: 0, maxSeq: 0 };
export type Core = ReturnType<typeof createCore>;

/** The Core's shell: the engine's rules over a disk in memory. Null: it is down, or died over the request. */
export function createCore(books: Books, mutant: Mutant | null, time: VirtualTime) {
  const clock = createProcessClock(time);
  let disk = newDisk();
  let downUntil = 0;
  let wasRestored = false;
  let isFull = false;
  let version: 1 | 2 = 2;
  let crash: { readonly at: CrashAt; readonly downMs: number } | null = null;
  const isDown = (): boolean => time.now < downUntil;

  /** Another program starts over the same disk, which takes longer than any round trip. */
  const setVersion = (next: 1 | 2): void => {
    if (next === version) return;
    version = next;
    downUntil = Math.max(downUntil, time.now + 5_000);
  };

  /** The books hear of what is committed only. */
  let tellBooks: (() => void)[] = [];

  /** One transaction: what crashes before its commit never was. */
  const commit = <T>(work: () => T): T | null => {
    const armed = crash;
    const before = armed?.at === 'before-commit' ? copyCoreDisk(disk) : null;
    tellBooks = [];
    const result = work();
    if (before === null) for (const tell of tellBooks) tell();
    if (armed === null) return result;
    crash = null;
    downUntil = time.now + armed.downMs;
    if (before === null) return null;
    disk = before;
    return mutant === 'ack-before-commit' ? result : null;
  };

  const apply = (edge: number, push: Push): PushOutcome => {
    const rowKey = (each: Pick<OutboxChange, 'stream' | 'entityId'>) => `${edge}/${each.stream}/${each.entityId}`;
    const { decisions, written } =
      mutant === 'no-version-guard'
        ? { decisions: null, written: new Map(push.changes.map((each) => [rowKey(each), each])) }
        : decideBatch(
            push.changes,
            (each) => disk.rows.get(rowKey(each)) ?? null,
            (each) => (each.payload.includes('"parks"') ? { code: 'BODY_INVALID', detail: 'poison' } : null),
          );
    for (const each of written.values()) {
      const key = rowKey(each);
      const before = disk.rows.get(key);
      if (before !== undefined) {
        law(
          each.version > before.version && each.updatedAt > before.updatedAt,
          'versions of an entity take effect in their order',
        );
        if (mutant !== 'core-digest-kept') addTo(disk.sums, `${edge}/${each.stream}`, each.entityId, before.digest, -1);
      }
      const digest = digestOf(each.entityId, each.version, each.hash);
      disk.rows.set(key, { ...each, digest });
      addTo(disk.sums, `${edge}/${each.stream}`, each.entityId, digest, 1);
      const effect = contentKey(each);
      disk.effects.set(effect, (disk.effects.get(effect) ?? 0) + 1);
      law(disk.effects.get(effect) === 1, 'no effect twice');
      // Version 1 has no lineages: what is written over under it is known to nobody.
      const lineage = push.wire.version === 1 ? null : each.lineage;
      tellBooks.push(() => books.applied(edge, each, before, push.wire.version));
      const lost = mutant !== 'overwrite-not-listed' && isOverwrite(lineage, before?.digest ?? null);
      if (lost && before !== undefined) tellBooks.push(() => books.listed(contentKey(before)));
    }
    const { epoch, pushSeq, lowWaterSeq: ackedSeq } = push;
    const known = disk.checkpoints.get(epoch) ?? nothing;
    disk.checkpoints.set(epoch, {
      ackedSeq: Math.max(known.ackedSeq, ackedSeq),
      maxSeq: Math.max(known.maxSeq, ...push.changes.map(({ seq }) => seq)),
    });
    disk.pushSeqs.set(`${epoch}-${push.channel}`, pushSeq);
    const results = push.changes.map(({ seq, id }) => ({
      seq,
      id,
      ...(decisions?.get(seq) ?? { outcome: 'applied' as const }),
    }));
    return { type: 'acked', bytes: 1, ack: { epoch, pushSeq, ackedSeq, committedAtMs: clock.wall(), results } };
  };

  /** A full disk refuses the transaction as a whole; a deliberate bug answers as if it had taken it. */
  const full = (work: () => PushOutcome): PushOutcome => {
    if (mutant !== 'full-core-says-ok') return diskFull;
    const before = copyCoreDisk(disk);
    const outcome = work();
    disk = before;
    return outcome;
  };

  const receive = (edge: number, push: Push, createdMs: number): PushOutcome | null => {
    if (isDown()) return null;
    const skewed = judgeSignatureTime(createdMs, clock.wall());
    if (skewed !== null) return skewed;
    if (version === 1 && push.wire.version === 2)
      return { type: 'refused', code: isOfVersion1(push.stream) ? 'BODY_INVALID' : 'NOT_FOUND', detail: 'version' };
    law(push.wire.version === 2 || isOfVersion1(push.stream), 'version 1 has orders only');
    if (push.wire.version === 1 && version === 2 && disk.instances.get(edge)?.forked === true)
      return { type: 'refused', code: 'NODE_STATE_FORKED', detail: '' };
    if (push.wire.version === 2) {
      const known = disk.instances.get(edge) ?? null;
      const judged = judgePush(known, { epoch: push.epoch, instanceId: push.wire.instanceId });
      const present = known?.present.instanceId;
      if (judged === 'forked' && mutant !== 'fork-not-kept')
        return { type: 'refused', code: 'NODE_STATE_FORKED', detail: '' };
      if (judged === 'superseded')
        return { type: 'refused', code: 'NODE_SUPERSEDED', detail: '', ...(present && { presentInstance: present }) };
    }
    const key = idempotencyKey(push);
    const text = JSON.stringify([push.changes, push.lowWaterSeq]);
    const lastPushSeq = disk.pushSeqs.get(`${push.epoch}-${push.channel}`) ?? 0;
    const known = disk.answers.get(key);
    if (known?.text === text) return known.outcome;
    if (known !== undefined) return { type: 'refused', code: 'IDEMPOTENCY_CONFLICT', detail: '', lastPushSeq };
    if (push.pushSeq <= lastPushSeq) return { type: 'refused', code: 'SEQ_STALE', detail: '', lastPushSeq };
    if (push.changes.some(({ payload }) => payload.includes('"breaks"')))
      return { type: 'refused', code: 'BODY_INVALID', detail: 'poison' };
    if (isFull) return full(() => apply(edge, push));
    return commit(() => {
      const outcome = apply(edge, push);
      disk.answers.set(key, { text, outcome });
      return outcome;
    });
  };

  const hello = (
    edge: number,
    said: DiskIdentity,
    { superseded }: HelloRequest,
    createdMs: number,
  ): HelloOutcome | null => {
    if (isDown()) return null;
    const skewed = judgeSignatureTime(createdMs, clock.wall());
    if (skewed !== null) return skewed;
    if (version === 1) return { type: 'hello-unsupported' };
    if (isFull) return diskFull;
    const checkpoint = disk.checkpoints.get(said.epoch) ?? nothing;
    return commit((): HelloOutcome => {
      const named = mutant === 'fork-ignored' ? null : superseded;
      const { answer, next } = judgeHello(disk.instances.get(edge) ?? null, checkpoint, { ...said, superseded: named });
      if (next !== null) disk.instances.set(edge, next);
      law(answer !== 'forked' || books.hadCopies(edge), 'a fork is said of two live copies only');
      if (answer === 'forked') return { type: 'refused', code: 'NODE_STATE_FORKED', detail: '' };
      if (answer === 'superseded') return { type: 'refused', code: 'NODE_SUPERSEDED', detail: '' };
      const channels = [0, 1, 2, 3].map((channel) => ({
        channel,
        pushSeq: disk.pushSeqs.get(`${said.epoch}-${channel}`) ?? 0,
      }));
      return {
        type: 'hello-answered',
        answer: {
          schemaVersion: 2,
          verdict: answer,
          ackedSeq: checkpoint.ackedSeq,
          channels,
          coreTimeMs: clock.wall(),
        },
      };
    });
  };

  return {
    receive,
    hello,
    /** Null: refused or not answered; the comparison ends either way. */
    digest: (edge: number, question: DigestQuestion, createdMs: number): DigestAnswer | null =>
      isDown() || version === 1 || judgeSignatureTime(createdMs, clock.wall()) !== null
        ? null
        : answerDigest(disk, edge, question),
    isForked: (edge: number): boolean => disk.instances.get(edge)?.forked === true,
    /** A person decided which copy goes on. */
    clearFork(edge: number): void {
      const known = disk.instances.get(edge);
      if (known) disk.instances.set(edge, { ...known, forked: false });
    },
    setVersion,
    setFull(next: boolean): void {
      isFull = next;
    },
    setClock: clock.set,
    hang: clock.hang,
    awakeAtMs: () => clock.awakeAtMs,
    crash(at: CrashAt, downMs: number): void {
      if (at === 'now') downUntil = time.now + downMs;
      else crash = { at, downMs };
    },
    heal(): void {
      isFull = false;
      crash = null;
      downUntil = 0;
      setVersion(2);
    },
    backUp: (): CoreDisk => copyCoreDisk(disk),
    restore(copy: CoreDisk): void {
      wasRestored = true;
      disk = copyCoreDisk(copy);
    },
    get wasRestored(): boolean {
      return wasRestored;
    },
    get disk(): CoreDisk {
      return disk;
    },
  };
}
