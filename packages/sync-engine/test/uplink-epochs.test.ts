import { limits } from '@sgp/shared/limits';
import type { UplinkEvent } from '@sgp/sync-engine/uplink-state';
import test from 'ava';
import { effectOf, fresh, helloOf, walk } from './support.ts';

test('one new epoch after the other stops as failed, and goes on with one for each slow attempt', (t) => {
  const renewed: readonly UplinkEvent[] = [helloOf('new-epoch'), { type: 'epoch-taken' }];
  const stopped = walk(fresh(), [{ type: 'start' }, ...renewed, ...renewed, helloOf('new-epoch')]);
  t.is(stopped.state.memory.blocked?.code, 'NODE_STATE_FORKED');
  t.is(effectOf(stopped.effects, 'take-epoch'), undefined);
  t.true((effectOf(stopped.effects, 'schedule')?.delayMs ?? 0) >= limits.syncBackoffMaxMs);

  const again = walk(stopped.state, [{ type: 'retry-due' }, helloOf('new-epoch')]);
  t.truthy(effectOf(again.effects, 'take-epoch'), 'what took the place of the others may be gone');
  const stoppedAgain = walk(again.state, [{ type: 'epoch-taken' }, helloOf('new-epoch')]);
  t.is(stoppedAgain.state.phase, 'waiting');
  t.is(effectOf(stoppedAgain.effects, 'take-epoch'), undefined);
});
