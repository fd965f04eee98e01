import type { UplinkEvent } from '@sgp/sync-engine/uplink-state';
import test from 'ava';
import { ackOf, batchOf, change, effectOf, fresh, pushOf, started, walk } from './support.ts';

const refused = (code: 'BODY_INVALID' | 'NOT_FOUND' | 'RATE_LIMITED'): UplinkEvent => ({
  type: 'refused',
  code,
  detail: '',
});
const accusing: readonly UplinkEvent[] = [
  { type: 'batch-loaded', batch: batchOf([change(1, 1)]) },
  refused('BODY_INVALID'),
  { type: 'batch-loaded', batch: batchOf([], 2) },
];

test('I6: an accused change is parked only if the very next answer is an acknowledgement: the Core may be another by then', (t) => {
  const accused = walk(fresh(), [...started, ...accusing]).state;
  const acked = walk(accused, [{ type: 'acked', ack: ackOf(pushOf(accused)), bytes: 1 }]);
  t.is(
    effectOf(acked.effects, 'deliver')?.delivery.parked.length,
    1,
    'a sound link, and a change that it does not bear',
  );

  const otherEnds: readonly UplinkEvent[] = [
    refused('NOT_FOUND'),
    refused('RATE_LIMITED'),
    { type: 'timeout' },
    { type: 'network-failed', mayHaveArrived: true, detail: '' },
  ];
  for (const end of otherEnds) {
    const { memory } = walk(accused, [end]).state;
    t.is(memory.accused, null, end.type);
    t.deepEqual(memory.suspects, [], end.type);
  }
});
