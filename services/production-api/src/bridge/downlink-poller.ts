import type { Log } from '@sgp/service-kit/log';
import { AppError } from '@sgp/shared/errors';
import { type ChangesClaims, changesClaimsSchema } from '@sgp/shared/sync-downlink';
import { downlink } from '@sgp/sync-engine/downlink';
import {
  type DownEffect,
  type DownEvent,
  type DownFacts,
  type DownlinkState,
  initialDownlink,
} from '@sgp/sync-engine/downlink-state';
import type { ParkReason } from '@sgp/sync-engine/ports';
import type { DownInbox } from '../inbox/down-inbox.ts';
import type { CallOutcome, ChangesQuestion } from './mirror-link.ts';

export type DownlinkDeps = {
  readonly inbox: DownInbox;
  readonly ask: (question: ChangesQuestion) => Promise<CallOutcome<{ readonly signed: string }>>;
  /** The claims of what the Core signed for this node. @throws AppError SIG_KEY_UNKNOWN, SIG_INVALID */
  readonly verify: (signed: string) => Promise<unknown>;
  /** A newer list of keys may have the one that signed. */
  readonly fetchKeyset: () => void;
  /** Something was taken in: it may have written into the outbox. */
  readonly onApplied: () => void;
  /** @param head highest number that the Core said to have for this shop; null before its first answer */
  readonly report: (facts: DownFacts, head: number | null) => void;
  /** Words for a failure of the storage; logs it too. */
  readonly explain: (error: unknown) => ParkReason;
  readonly now: () => number;
  readonly random: () => number;
  readonly setTimer: (delayMs: number, fire: () => void) => () => void;
  readonly log: Pick<Log, 'info' | 'warn'>;
};

export type DownlinkPoller = AsyncDisposable & { networkChanged(): void };

/** Runs the downlink against the world: performs each effect and feeds what came of it back as an event. */
export async function startDownlink(deps: DownlinkDeps): Promise<DownlinkPoller> {
  const { inbox, now, random } = deps;
  const { lastAnswerAt, ...position } = await inbox.cursor();
  let state: DownlinkState = initialDownlink(position, await inbox.untold(), lastAnswerAt);
  let cancelTimer = (): void => undefined;
  let head: number | null = null;
  const storing = new Set<Promise<void>>();

  const dispatch = (event: DownEvent): void => {
    const [next, effects] = downlink(state, event, { now: now(), random: random() });
    state = next;
    if (event.type === 'answered') head = event.claims.head;
    for (const effect of effects) perform(effect);
  };
  const track = (work: Promise<void>): void => {
    const done = work.finally(() => storing.delete(done));
    storing.add(done);
  };
  const failed = (error: unknown): DownEvent => ({ type: 'storage-failed', ...deps.explain(error) });

  const apply = async ({ from, to, changes }: Extract<DownEffect, { type: 'apply' }>): Promise<DownEvent> => {
    const applied = await inbox.apply({ from, to, changes });
    for (const each of applied.parked) deps.log.warn({ ...each }, 'a change of the Core does not fit this shop');
    deps.log.info(
      { changes: changes.length, cursor: applied.position.cursor, parked: applied.parked.length },
      'changes of the Core applied',
    );
    deps.onApplied();
    return { type: 'applied', position: applied.position, untold: await inbox.untold() };
  };

  const perform = (effect: DownEffect): void => {
    switch (effect.type) {
      case 'ask':
        void askCore(deps, { ...effect.ask, parked: [...effect.ask.parked] }).then(dispatch);
        break;
      case 'apply':
        track(apply(effect).catch(failed).then(dispatch));
        break;
      case 'parked-told':
        // Told once more at worst.
        track(inbox.told(effect.parked).catch((error) => void deps.explain(error)));
        break;
      case 'fetch-keyset':
        deps.fetchKeyset();
        break;
      case 'schedule':
        cancelTimer();
        cancelTimer = deps.setTimer(effect.delayMs, () => dispatch({ type: effect.timer }));
        break;
      case 'report':
        deps.report(effect.facts, head);
    }
  };

  dispatch({ type: 'start' });
  return {
    networkChanged: () => dispatch({ type: 'network-changed' }),
    async [Symbol.asyncDispose]() {
      dispatch({ type: 'stop' });
      cancelTimer();
      await Promise.all(storing);
    },
  };
}

/** Never rejects. What was tried again is told by the way: where the storage fails, it is told with a later call. */
async function askCore(deps: DownlinkDeps, question: ChangesQuestion): Promise<DownEvent> {
  const { inbox, ask, verify } = deps;
  const applied = await inbox.retried().catch((error) => {
    deps.explain(error);
    return [];
  });
  const outcome = await ask({ ...question, ...(applied.length > 0 && { applied }) });
  if (outcome.type !== 'answered') return outcome;
  try {
    const claims: ChangesClaims = changesClaimsSchema.parse(await verify(outcome.value.signed));
    await inbox.retriedTold(applied).catch((error) => void deps.explain(error));
    return { type: 'answered', claims };
  } catch (error) {
    const isRefusal = error instanceof AppError;
    return { type: 'signature-refused', detail: isRefusal ? error.message : 'what the Core signed is no answer' };
  }
}
