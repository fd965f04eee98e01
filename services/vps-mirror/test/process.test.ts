import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openDatabase } from '@sgp/service-kit/database';
import type { PushBatch } from '@sgp/shared/sync';
import test, { type ExecutionContext } from 'ava';
import { freshPostgres, freshSqlite } from './support/databases.ts';
import { batchOf, changeOf, createEdge, newIdempotencyKey, newLink, snapshotOf, stampAt } from './support/edge.ts';
import { openEventStream } from './support/event-stream.ts';
import { startLicenseServer } from './support/license-server.ts';
import { ackOf, push, pushPath, send, testAuthority } from './support/mirror.ts';
import { mirrorEnvironment, spawnMirror } from './support/mirror-process.ts';

async function openProcessBench(t: ExecutionContext, makeDatabase = freshSqlite) {
  const dir = await mkdtemp(join(tmpdir(), 'sgp-mirror-process-'));
  const license = await startLicenseServer();
  const database = await makeDatabase(dir);
  t.teardown(async () => {
    await database[Symbol.asyncDispose]();
    await license[Symbol.asyncDispose]();
    await rm(dir, { recursive: true, force: true });
  });
  const edge = createEdge();
  license.records.set(edge.record.shortId, edge.record);
  return { edge, dbUrl: database.url, env: mirrorEnvironment(dir, database.url, license) };
}

/** The pushing functions take any place where a mirror listens. */
const at = (url: string, edge: ReturnType<typeof createEdge>) => ({ mirror: { url } as never, edge });

test.serial('the process starts, takes a signed push, tells the open page, and stops cleanly when asked', async (t) => {
  const { edge, env } = await openProcessBench(t);
  await using mirror = await spawnMirror(env);
  t.is((await send(`${mirror.url}/healthz`, 'GET', {})).json.status, 'ok');
  t.is((await send(`${mirror.url}/readyz`, 'GET', {})).json.status, 'ready');
  const { token, tracking } = newLink();
  const first = snapshotOf(edge, { tracking });
  ackOf(await push(at(mirror.url, edge), batchOf(edge, 1, [changeOf(first, 1)])));
  using stream = await openEventStream(`${mirror.url}/api/tracking/${token}/events`);
  const second = snapshotOf(edge, { ...first, version: 2, updatedAt: stampAt(1_800_000_000_000, edge.record.nodeId) });
  ackOf(await push(at(mirror.url, edge), batchOf(edge, 2, [changeOf(second, 2)])));
  await stream.reached(2);
  t.is((await send(`${mirror.url}/p/${token}`, 'GET', {})).status, 200);
  const metrics = (await send(`${mirror.url}/metrics`, 'GET', {})).text;
  t.regex(metrics, /sgp_mirror_changes_total\{stream="orders",outcome="applied",service="vps-mirror"\} 2/);
  t.regex(metrics, /sgp_mirror_streams\{service="vps-mirror"\} 1/);
  const asked = performance.now();
  const gone = once(mirror.child, 'exit');
  mirror.child.kill('SIGTERM');
  t.is((await gone)[0], 0);
  t.true(performance.now() - asked < 3000, 'open streams do not hold the process');
  const { apiKey } = edge;
  for (const secret of [token, apiKey, apiKey.slice(-43), 'media-secret-of-this-test'])
    t.false(mirror.output().includes(secret) || metrics.includes(secret), 'no secret in the log or the metrics');
});

test.serial('push/replay-after-restart: a process that was killed knows the nonces of the one before', async (t) => {
  const { edge, env } = await openProcessBench(t);
  const { body, headers } = await (async () => {
    const bytes = Buffer.from(JSON.stringify(batchOf(edge, 1, [changeOf(snapshotOf(edge), 1)])));
    return { body: bytes, headers: await edge.sign({ authority: testAuthority, path: pushPath, body: bytes }) };
  })();
  const first = await spawnMirror(env);
  t.is((await send(first.url + pushPath, 'POST', headers, body)).status, 200);
  await first.kill();
  await using second = await spawnMirror(env);
  t.like(await send(second.url + pushPath, 'POST', headers, body), { status: 409, code: 'SIG_REPLAY' });
});

for (const [name, makeDatabase] of [
  ['SQLite', freshSqlite],
  ['PostgreSQL', freshPostgres],
] as const) {
  test.serial(
    `kill -9 in the middle of pushes (${name}): what was acknowledged stands, no push stands by half, nothing twice`,
    async (t) => {
      const { edge, env, dbUrl } = await openProcessBench(t, makeDatabase);
      const perBatch = 40;
      const acked: PushBatch[] = [];
      let pushSeq = 0;
      let seq = 0;
      const nextBatch = (): { readonly batch: PushBatch; readonly idempotencyKey: string } => {
        pushSeq += 1;
        const changes = Array.from({ length: perBatch }, () => {
          seq += 1;
          return changeOf(snapshotOf(edge), seq);
        });
        return { batch: batchOf(edge, pushSeq, changes), idempotencyKey: newIdempotencyKey() };
      };
      let open = nextBatch();
      for (let round = 0; round < 4; round += 1) {
        const mirror = await spawnMirror(env);
        // Killed from outside after a random number of acknowledgements, at a random moment of the next push.
        const killAfter = acked.length + 1 + Math.floor(Math.random() * 4);
        let dead: Promise<void> | undefined;
        for (;;) {
          if (acked.length >= killAfter)
            dead ??= new Promise((resolve) => setTimeout(() => resolve(mirror.kill()), Math.random() * 15));
          const answer = await push(at(mirror.url, edge), open.batch, { idempotencyKey: open.idempotencyKey }).catch(
            () => undefined,
          );
          if (!answer) break;
          const ack = ackOf(answer);
          t.deepEqual(
            ack.results.map(({ outcome }) => outcome),
            open.batch.changes.map(() => 'applied'),
          );
          acked.push(open.batch);
          open = nextBatch();
        }
        await dead;
      }
      const db = openDatabase(dbUrl, { durability: 'full' });
      t.teardown(() => db.destroy());
      const rows: { order_id: string; hash: string; batch_id: string }[] = await db('orders').select(
        ...['order_id', 'hash', 'batch_id'],
      );
      const stored = new Map(rows.map((row) => [row.order_id, row.hash]));
      for (const { changes } of acked) for (const change of changes) t.is(stored.get(change.entityId), change.hash);
      const perBatchId = new Map<string, number>();
      for (const { batch_id } of rows) perBatchId.set(batch_id, (perBatchId.get(batch_id) ?? 0) + 1);
      t.true(
        [...perBatchId.values()].every((count) => count === perBatch),
        'every push stands whole',
      );
      t.true(perBatchId.size - acked.length <= 1, 'at most the one push whose answer was lost stands beyond them');
      t.is((await db('push_batches').count({ n: '*' }))[0]?.['n'], perBatchId.size);
      t.log(`${acked.length} pushes acknowledged over 4 kills`);
    },
  );
}

test.serial('settings that are wrong end the start with a plain sentence and 2', async (t) => {
  const { env } = await openProcessBench(t);
  const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
  for (const [change, sentence] of [
    [{ LICENSE_URL: 'nowhere' }, /LICENSE_URL/],
    [{ MEDIA_URL_SECRET_FILE: '/does/not/exist' }, /secret file .* cannot be read/],
    [{ S3_BUCKET: 'fotos' }, /S3_ENDPOINT/],
    [{ WEB_DIR: '/does/not/exist' }, /build the web apps/],
  ] as const) {
    const child = spawn(process.execPath, [main], { env: { ...env, ...change }, stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (part) => {
      output += part;
    });
    const [code] = await once(child, 'close');
    t.is(code, 2, output);
    t.regex(output, sentence);
  }
});
