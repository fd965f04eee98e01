import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { newId } from '@sgp/service-kit/ids';
import type { DownPosition } from '@sgp/sync-engine/downlink-state';
import test from 'ava';
import { openProductionDb } from '../src/db.ts';
import { openDownInbox } from '../src/inbox/open-down-inbox.ts';
import { createDownLog, downState, material, transfer } from './support/down-world.ts';
import { tempDir } from './support/temp-dir.ts';

const node = { nodeId: newId(), establishmentId: newId() };
const perAnswer = 40;

function bigLog() {
  const log = createDownLog();
  const materials = Array.from({ length: 10 }, () => newId());
  for (let n = 0; n < 400; n++) {
    const materialId = materials[n % 10] as string;
    if (n % 3 === 0) log.transfer(transfer({ materialId, fromEstablishmentId: node.establishmentId }));
    else log.shared(material(materialId, { name: `Lona ${n}`, active: true }));
  }
  return log;
}

test('kill -9 in the middle of applying leaves whole answers only, and the next start goes on from there', async (t) => {
  await using stack = new AsyncDisposableStack();
  const log = bigLog();
  const url = `sqlite:${join(await tempDir(stack), 'production.db')}`;
  let cursor = 0;
  let kills = 0;
  for (let round = 0; cursor < log.changes.length; round++) {
    const child = fork(new URL('./support/inbox-child.ts', import.meta.url), [url, node.nodeId, node.establishmentId], {
      execArgv: [],
    });
    stack.defer(() => void child.kill('SIGKILL'));
    const [start] = (await once(child, 'message')) as [DownPosition];
    t.true(start.cursor >= cursor, 'what was confirmed is there');
    t.true(start.cursor % perAnswer === 0, `half an answer is at ${start.cursor}`);
    cursor = start.cursor;
    const ended = once(child, 'exit');
    child.on('message', (position: DownPosition) => {
      cursor = position.cursor;
      if (cursor < log.changes.length) child.send(log.step(cursor, cursor + perAnswer));
      else child.kill('SIGKILL');
    });
    if (cursor < log.changes.length) child.send(log.step(cursor, cursor + perAnswer));
    else child.kill('SIGKILL');
    // Not a wait for something: the moment of the power cut, another one in each round.
    if (await Promise.race([pause(5 + 13 * round, true), ended.then(() => false)])) {
      child.kill('SIGKILL');
      kills += 1;
    }
    await ended;
  }
  t.log(`${kills} kills`);
  t.true(kills > 0);
  const db = stack.adopt(await openProductionDb(url), (open) => open.destroy());
  const calm = stack.adopt(await openProductionDb('sqlite::memory:'), (open) => open.destroy());
  await openDownInbox(calm, node).apply(log.step(0));
  const seqs: number[] = await db('outbox').orderBy('seq').pluck('seq');
  t.deepEqual(
    seqs,
    seqs.map((_, i) => i + 1),
    'no number of the outbox is left out',
  );
  const withoutTimes = (state: unknown) => ({ ...(state as object), cursor: null });
  t.deepEqual(withoutTimes(await downState(db)), withoutTimes(await downState(calm)));
});
