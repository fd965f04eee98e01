import { judgeHello, type NodeInstances } from '@sgp/sync-engine/instances';
import test from 'ava';

const hello = { epoch: 'e2', generation: 1, instanceId: 'b', lastSeq: 9, ackedSeq: 9, superseded: 'a' };
const known = (epoch: string, generation: number, formerEpochs: readonly string[]): NodeInstances => ({
  present: { epoch, generation, instanceId: 'a' },
  formerEpochs,
  forked: false,
});
const nothing = { ackedSeq: 0, maxSeq: 0 };

test('a Core that was restored and forgot an instance takes it for no copy', (t) => {
  t.is(judgeHello(known('e1', 7, []), nothing, hello).answer, 'compare');
  t.is(judgeHello(known('e2', 1, []), nothing, { ...hello, generation: 2 }).answer, 'compare');
});

test('an instance that the present one really came after proves two live copies', (t) => {
  t.is(judgeHello(known('e3', 1, ['e1', 'e2']), nothing, hello).answer, 'forked');
  t.is(judgeHello(known('e2', 2, []), nothing, hello).answer, 'forked');
});
