import { judgeBundle, judgeFilePush, judgeHello, type NodeInstances } from '@sgp/sync-engine/instances';
import test from 'ava';

const hello = {
  epoch: 'e2',
  parentEpoch: null,
  generation: 1,
  instanceId: 'b',
  lastSeq: 9,
  ackedSeq: 9,
  superseded: 'a',
};
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

test('a new epoch proves the one that it went out from as former, though the Core was restored and forgot it', (t) => {
  const renewed = { ...hello, epoch: 'e3', parentEpoch: 'e2', superseded: null };
  const { answer, next } = judgeHello(known('e1', 7, ['e0']), nothing, renewed);
  t.is(answer, 'compare');
  t.deepEqual(next?.formerEpochs, ['e0', 'e1', 'e2']);
  const straggler = { ...hello, instanceId: 'c', parentEpoch: 'e1', superseded: null };
  t.deepEqual(judgeHello(next, nothing, straggler), { answer: 'new-epoch', next }, 'its straggler is nobody’s copy');
  t.deepEqual(judgeHello(known('e2', 1, ['e1']), nothing, renewed).next?.formerEpochs, ['e1', 'e2'], 'each once');
  t.deepEqual(judgeHello(null, nothing, renewed).next?.formerEpochs, ['e2']);
  t.deepEqual(judgeBundle(null, nothing, renewed).next?.formerEpochs, ['e2'], 'a file proves it as well');
});

/**
 * Everything that can be known of the start that wrote a file: one line for each, so that the table is total. `e1` was
 * before `e2`, the present epoch; its present start has generation 5; up to number 7 something arrived.
 */
const epochsOfFiles = ['never heard of', 'former', 'present'] as const;
const generationsOfFiles = ['earlier', 'same', 'later'] as const;
const startsOfFiles = ['known', 'another', 'unheard of'] as const;
type FileAnswer = `${'take' | 'take, is present now'}` | 'superseded';

const epochOfFile = { 'never heard of': 'e3', former: 'e1', present: 'e2' } as const;
const generationOfFile = { earlier: 4, same: 5, later: 6 } as const;
const startOfFile = { known: 'f', another: 'x', 'unheard of': null } as const;

const expectedOf = (
  epoch: (typeof epochsOfFiles)[number],
  generation: (typeof generationsOfFiles)[number],
  start: (typeof startsOfFiles)[number],
  lastSeq: number,
): FileAnswer => {
  if (start === 'another' || epoch === 'former') return 'superseded';
  if (epoch === 'never heard of') return 'take, is present now';
  if (generation !== 'later') return 'take';
  return lastSeq < 7 ? 'superseded' : 'take, is present now';
};

test('a file is judged by its epoch, its generation, who had that generation, and how far it knows', (t) => {
  const present = known('e2', 5, ['e1']);
  for (const epoch of epochsOfFiles)
    for (const generation of generationsOfFiles)
      for (const start of startsOfFiles)
        for (const lastSeq of [6, 7, 8]) {
          const file = {
            epoch: epochOfFile[epoch],
            parentEpoch: null,
            generation: generationOfFile[generation],
            instanceId: 'f',
            lastSeq,
          };
          const checkpoint = { ackedSeq: 3, maxSeq: 7 };
          const { answer, next } = judgeBundle({ ...present, sameGeneration: startOfFile[start] }, checkpoint, file);
          const expected = expectedOf(epoch, generation, start, lastSeq);
          const what = `${epoch}, ${generation}, ${start}, ${lastSeq}`;
          t.is(answer, expected === 'superseded' ? 'superseded' : 'take', what);
          const isPresent = next?.present.instanceId === 'f';
          t.is(isPresent, expected === 'take, is present now', what);
          if (!isPresent) t.deepEqual(next?.present, present.present, `${what}: what is known stays`);
          if (isPresent && epoch === 'never heard of') t.deepEqual(next?.formerEpochs, ['e1', 'e2'], what);
        }
});

test('the first file of a node that was never heard of makes its start the present one', (t) => {
  const file = { parentEpoch: null, epoch: 'e1', generation: 1, instanceId: 'f', lastSeq: 0 };
  const { answer, next } = judgeBundle(null, nothing, file);
  t.is(answer, 'take');
  t.deepEqual(next, { present: { epoch: 'e1', generation: 1, instanceId: 'f' }, formerEpochs: [], forked: false });
});

test('of a fork no file is taken, whoever wrote it', (t) => {
  const forked = { ...known('e2', 5, []), forked: true, sameGeneration: null };
  for (const epoch of ['e2', 'e3'])
    t.is(
      judgeBundle(forked, nothing, { epoch, parentEpoch: null, generation: 9, instanceId: 'f', lastSeq: 9 }).answer,
      'forked',
    );
  t.is(judgeFilePush(forked, { epoch: 'e2', generation: 5 }), 'forked');
});

test('a push of a file goes on if it is of the present epoch and of no later start than the present one', (t) => {
  const present = known('e2', 5, ['e1']);
  const answers = [4, 5, 6].map((generation) => judgeFilePush(present, { epoch: 'e2', generation }));
  t.deepEqual(answers, ['go-on', 'go-on', 'superseded']);
  for (const epoch of ['e1', 'e3']) t.is(judgeFilePush(present, { epoch, generation: 5 }), 'superseded');
  t.is(judgeFilePush(null, { epoch: 'e2', generation: 1 }), 'superseded');
});
