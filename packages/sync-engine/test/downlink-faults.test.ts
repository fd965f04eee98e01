import { downlink } from '@sgp/sync-engine/downlink';
import {
  type DownEffect,
  type DownEvent,
  type DownlinkState,
  type DownPosition,
  initialDownlink,
  type ParkedDown,
} from '@sgp/sync-engine/downlink-state';
import { type DownRow, decide } from '@sgp/sync-engine/inbox-down';
import test from 'ava';
import fc from 'fast-check';
import { entity, stamp } from './support.ts';

/**
 * The downlink's rules against a model of the Core that is restored now and then, an edge that crashes, and a way that
 * loses, repeats and reorders answers. In the end the edge must hold what the Core holds.
 */

type Claims = Extract<DownEvent, { type: 'answered' }>['claims'];
type Change = Claims['changes'][number];
type Ask = Extract<DownEffect, { type: 'ask' }>['ask'];

function createCore() {
  let life = 1;
  let time = 1;
  let log: readonly Change[] = [];
  const versions = () => Map.groupBy(log, ({ entityId }) => entityId);
  /** Epoch → length of the log with which it ended. */
  const common = new Map<string, number>();
  const epochOf = (n: number) => entity(900_000 + n);
  const toldParked = new Set<number>();
  return {
    toldParked,
    log: () => log,
    write(n: number) {
      time += 1;
      const entityId = entity(n);
      const version = (versions().get(entityId)?.length ?? 0) + 1;
      const seq = log.length + 1;
      const hash = `${life}/${time}`.padEnd(64, '0');
      const id = entity(time);
      log = [...log, { seq, id, stream: 'catalogue', entityId, version, updatedAt: stamp(time), hash, payload: {} }];
    },
    /** Puts the Core back to an earlier length of its log, under a new epoch. */
    restore(lost: number) {
      const kept = Math.max(0, log.length - lost);
      for (const [each, length] of common) common.set(each, Math.min(length, kept));
      common.set(epochOf(life), kept);
      life += 1;
      time += 1;
      log = log.slice(0, kept);
    },
    answer(ask: Ask): Claims {
      time += 1;
      for (const { seq } of ask.parked) toldParked.add(seq);
      const coreEpoch = epochOf(life);
      const last =
        ask.coreEpoch === null || ask.coreEpoch === coreEpoch ? log.length : (common.get(ask.coreEpoch) ?? 0);
      const after = Math.min(ask.cursor, last);
      return { iat: time, coreEpoch, after, head: log.length, changes: log.slice(after, after + 3) };
    },
  };
}

/** The edge's store: what `apply` asks for, in one transaction. */
function createStore(isPoison: (entityId: string) => boolean) {
  const rows = new Map<string, DownRow>();
  const effects = new Map<string, number>();
  let position: DownPosition = { coreEpoch: null, cursor: 0, signedAtS: 0 };
  let untold: readonly ParkedDown[] = [];
  const path: DownPosition[] = [];
  return {
    rows,
    effects,
    /** Every position that was stored. */
    path,
    position: () => position,
    untold: () => untold,
    told(parked: readonly ParkedDown[]) {
      untold = untold.filter(({ id }) => !parked.some((each) => each.id === id));
    },
    apply({ from, to, changes }: Extract<DownEffect, { type: 'apply' }>) {
      if (from.cursor !== position.cursor || from.coreEpoch !== position.coreEpoch) return;
      for (const { seq, id, entityId, version, updatedAt, hash } of changes) {
        const candidate = { version, updatedAt, hash, coreEpoch: to.coreEpoch ?? '' };
        const { outcome } = decide(rows.get(entityId) ?? null, candidate);
        if (isPoison(entityId)) untold = [...untold, { seq, id, code: 'BODY_INVALID', detail: '' }];
        else if (outcome === 'applied') {
          rows.set(entityId, candidate);
          effects.set(id, (effects.get(id) ?? 0) + 1);
        }
      }
      position = to;
      path.push(to);
    },
  };
}

type Act =
  | { readonly do: 'write'; readonly entity: number }
  | { readonly do: 'restore'; readonly lost: number }
  | { readonly do: 'step'; readonly fault: Fault };
const faults = ['none', 'lost', 'replayed', 'gap', 'disk', 'crash-before', 'crash-after', 'unheard'] as const;
type Fault = (typeof faults)[number];

const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('write' as const), entity: fc.integer({ min: 1, max: 5 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('restore' as const), lost: fc.integer({ min: 0, max: 4 }) }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('step' as const), fault: fc.constantFrom(...faults) }) },
);

function live(acts: readonly Act[], poison: readonly number[], seed: number) {
  const core = createCore();
  const store = createStore((entityId) => poison.some((n) => entity(n) === entityId));
  const env = { now: 0, random: 0.5 };
  const answers: Claims[] = [];
  let state: DownlinkState = initialDownlink(store.position(), [], null);
  let due: readonly DownEffect[] = [];
  const feed = (event: DownEvent) => {
    env.now += 1_000;
    [state, due] = downlink(state, event, env);
    for (const effect of due) if (effect.type === 'parked-told') store.told(effect.parked);
  };
  const restart = () => {
    state = initialDownlink(store.position(), store.untold(), null);
    feed({ type: 'start' });
  };
  /** Performs the one effect that is under way; `fault` says what becomes of it. */
  const step = (fault: Fault) => {
    const effect = due.find(({ type }) => type === 'ask' || type === 'apply' || type === 'schedule');
    if (effect?.type === 'ask') {
      const claims = core.answer(effect.ask);
      answers.push(claims);
      if (fault === 'lost') feed({ type: 'timeout' });
      else if (fault === 'replayed') feed({ type: 'answered', claims: answers[seed % answers.length] ?? claims });
      else if (fault === 'gap') feed({ type: 'answered', claims: { ...claims, changes: claims.changes.slice(1) } });
      else feed({ type: 'answered', claims });
    } else if (effect?.type === 'apply') {
      if (fault === 'disk') feed({ type: 'storage-failed', code: 'DISK_FULL', detail: '' });
      else if (fault === 'crash-before') restart();
      else {
        store.apply(effect);
        if (fault === 'crash-after') restart();
        else if (fault === 'unheard') feed({ type: 'storage-failed', code: 'INTERNAL', detail: '' });
        else feed({ type: 'applied', position: store.position(), untold: store.untold() });
      }
    } else if (effect?.type === 'schedule') feed({ type: 'retry-due' });
    else throw new Error(`nothing is under way in ${state.phase}`);
  };
  feed({ type: 'start' });
  for (const each of acts) {
    if (each.do === 'write') core.write(each.entity);
    else if (each.do === 'restore') core.restore(each.lost);
    else step(each.fault);
  }
  // The world heals and everything comes to rest.
  for (let i = 0; i < 60; i++) step('none');
  return { core, store };
}

const lives = fc.tuple(
  fc.array(act, { minLength: 1, maxLength: 60 }),
  fc.uniqueArray(fc.integer({ min: 1, max: 5 }), { maxLength: 2 }),
  fc.nat(),
);

/** Throws with what is wrong, so that fast-check shows the smallest life that does it. */
function claim(holds: boolean, text: string): void {
  if (!holds) throw new Error(text);
}

test('I21: after any restores, crashes, lost and repeated answers, every change came once and in order', (t) => {
  const property = fc.property(lives, ([acts, poison, seed]) => {
    const { core, store } = live(acts, poison, seed);
    claim(store.position().cursor === core.log().length, `cursor ${store.position().cursor} of ${core.log().length}`);
    for (const [id, times] of store.effects) claim(times === 1, `${id} had its effect ${times} times`);
    const newest = new Map(core.log().map((each) => [each.entityId, each]));
    for (const [entityId, { updatedAt, hash }] of newest) {
      const row = store.rows.get(entityId);
      const isPoison = poison.some((n) => entity(n) === entityId);
      // What a restored Core forgot and nobody wrote anew stays at the edge under its later stamp.
      const holds = row?.hash === hash || (row !== undefined && row.updatedAt > updatedAt);
      claim(isPoison ? row === undefined : holds, `${entityId} holds ${row?.hash}, the Core ${hash}`);
    }
  });
  t.notThrows(() => fc.assert(property, { numRuns: 400 }));
});

test('I21: no repeated answer leads back to a core epoch that was left, or back within one', (t) => {
  const property = fc.property(lives, ([acts, poison, seed]) => {
    const { path } = live(acts, poison, seed).store;
    for (const [i, { coreEpoch, cursor }] of path.entries()) {
      const sameEpoch = path.slice(0, i).filter((each) => each.coreEpoch === coreEpoch);
      claim(sameEpoch.length === 0 || path[i - 1]?.coreEpoch === coreEpoch, `back to ${coreEpoch}`);
      claim(
        sameEpoch.every((each) => each.cursor < cursor),
        `back to ${cursor}`,
      );
    }
  });
  t.notThrows(() => fc.assert(property, { numRuns: 400 }));
});

test('I23: what cannot be applied blocks nothing, and in the end the Core knows of each', (t) => {
  const property = fc.property(lives, ([acts, poison, seed]) => {
    const { core, store } = live(acts, poison, seed);
    const refused = core.log().filter(({ entityId }) => poison.some((n) => entity(n) === entityId));
    for (const { seq } of refused) claim(core.toldParked.has(seq), `change ${seq} was told`);
    claim(store.untold().length === 0, `${store.untold().length} are still to be told`);
  });
  t.notThrows(() => fc.assert(property, { numRuns: 200 }));
});
