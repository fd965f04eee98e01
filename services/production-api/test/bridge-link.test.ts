import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { zstdDecompressSync } from 'node:zlib';
import { createRequestSigner, verifyRequest } from '@sgp/auth/http-signature';
import { newId } from '@sgp/service-kit/ids';
import { httpStatusByCode } from '@sgp/shared/errors';
import { type EdgeHealth, type PushBatch, pushBatchSchema, streamRules } from '@sgp/shared/sync';
import type { OutboxChange, Push } from '@sgp/sync-engine/ports';
import { idempotencyKey } from '@sgp/sync-engine/wire';
import test from 'ava';
import { createMirrorLink } from '../src/bridge/mirror-link.ts';
import { authority, createNode, type EdgeNode } from './support/sync-world.ts';
import { tempDir } from './support/temp-dir.ts';

/** The bridge's HTTP side against a server that verifies as the mirror does, or that is no mirror at all. */

type Received = {
  readonly headers: IncomingMessage['headers'];
  readonly bytes: Buffer;
  readonly batch: PushBatch;
  readonly nonce: string;
};
type Answer = (received: Received, response: ServerResponse, request: IncomingMessage) => void;

async function openLink(stack: AsyncDisposableStack, answer: Answer, timeoutMs = 5_000) {
  const node = await createNode(await tempDir(stack));
  const received: Received[] = [];
  const server = createServer({ keepAliveTimeout: 5_000 }, async (request, response) => {
    const bytes = Buffer.concat(await request.toArray());
    const nowMs = Date.now();
    const { nonce } = await verifyRequest(
      { method: 'POST', path: request.url ?? '', query: '', rawHeaders: request.rawHeaders, body: bytes },
      {
        authority,
        tag: 'snapshot-push/1',
        nowMs,
        findKey: (keyId) => (keyId === node.keyId ? node.publicJwk : undefined),
      },
    );
    const text = request.headers['content-encoding'] === 'zstd' ? zstdDecompressSync(bytes) : bytes;
    const got = { headers: request.headers, bytes, batch: pushBatchSchema.parse(JSON.parse(text.toString())), nonce };
    received.push(got);
    answer(got, response, request);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  stack.defer(() => {
    server.close();
    server.closeAllConnections();
  });
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return { node, received, server, url, link: stack.use(linkTo(url, node, timeoutMs)) };
}

function linkTo(url: URL, node: EdgeNode, timeoutMs = 5_000) {
  return createMirrorLink({ ...signersOf(node), url, tenant: node, health, now: Date.now, timeoutMs });
}

const signersOf = (node: EdgeNode) => ({
  signer: createRequestSigner({ ...node, authority, tag: 'snapshot-push/1' }),
  changesSigner: createRequestSigner({ ...node, authority, tag: 'changes/1' }),
});
const health = async (): Promise<EdgeHealth> => ({
  ...{ pendingChanges: 0, oldestPendingAt: null, parkedChanges: 0, pendingMedia: 0, openConflicts: 0 },
  ...{ diskFreeBytes: 7, diskTotalBytes: 9, version: '0' },
});

const acknowledge: Answer = ({ batch }, response) => {
  const results = batch.changes.map(({ seq, id }) => ({ seq, id, outcome: 'applied' }));
  response.end(
    JSON.stringify({ epoch: batch.epoch, pushSeq: batch.pushSeq, ackedSeq: 0, committedAtMs: Date.now(), results }),
  );
};
const refuse =
  (code: keyof typeof httpStatusByCode, details = {}, headers = {}): Answer =>
  (_received, response) => {
    response.writeHead(httpStatusByCode[code], { 'content-type': 'application/problem+json', ...headers });
    response.end(
      JSON.stringify({
        type: 'x',
        title: 'x',
        status: httpStatusByCode[code],
        detail: 'in words',
        code,
        requestId: 'r',
        details,
      }),
    );
  };

const [epoch, instanceId] = [newId(), newId()];
const changeOf = (payload: string): OutboxChange => ({
  seq: 1,
  id: newId(),
  stream: 'orders',
  entityId: newId(),
  version: 1,
  parentVersion: 0,
  updatedAt: '01763768193000-0000-9f2c4be01d77' as OutboxChange['updatedAt'],
  op: 'upsert',
  payload,
  hash: 'a'.repeat(64),
});
const pushOf = (changes: readonly OutboxChange[], pushSeq = 1): Push => ({
  ...{
    wire: { version: 2, generation: 3, instanceId },
    origin: 'queue',
    channel: 0,
    stream: 'orders',
    epoch,
    pushSeq,
    lowWaterSeq: 0,
    sentAt: Date.now(),
    changes,
    attempt: 1,
    signOffsetMs: 0,
  },
});

test('a push is signed, names its tenant and carries the payload byte for byte', async (t) => {
  await using stack = new AsyncDisposableStack();
  const { link, received, node } = await openLink(stack, acknowledge);
  const push = pushOf([changeOf('{"a":1,"b":"ção"}')]);
  const outcome = await link.push(push);
  t.like(outcome, { type: 'acked', ack: { pushSeq: 1, epoch }, bytes: received[0]?.bytes.length });
  const { companyId, establishmentId, nodeId } = node;
  t.like(received[0]?.batch, { companyId, establishmentId, nodeId, epoch, pushSeq: 1, sentAtMs: push.sentAt });
  t.true(received[0]?.bytes.toString().includes('"payload":{"a":1,"b":"ção"}'));
  t.is(received[0]?.headers['content-encoding'], undefined, 'a small body is not compressed');
  t.is(received[0]?.headers['x-request-id'], idempotencyKey(push));
});

test('a body above 1 KB is compressed', async (t) => {
  await using stack = new AsyncDisposableStack();
  const { link, received } = await openLink(stack, acknowledge);
  for (const length of [2_000, 200_000])
    await link.push(pushOf([changeOf(JSON.stringify({ text: 'x'.repeat(length) }))], length));
  t.deepEqual(
    received.map(({ headers }) => headers['content-encoding']),
    ['zstd', 'zstd'],
  );
});

test('I5: a resend has the same bytes and key under a new nonce', async (t) => {
  await using stack = new AsyncDisposableStack();
  const { link, received } = await openLink(stack, acknowledge);
  const push = pushOf([changeOf('{"a":1}')]);
  await link.push(push);
  await link.push({ ...push, attempt: 2 });
  const [first, second] = received;
  t.deepEqual(first?.bytes, second?.bytes);
  t.is(first?.headers['idempotency-key'], second?.headers['idempotency-key']);
  t.not(first?.nonce, second?.nonce);
});

test('a connection that the mirror closed while it was idle is replaced without a failure', async (t) => {
  await using stack = new AsyncDisposableStack();
  const { link, received, server } = await openLink(stack, acknowledge);
  await link.push(pushOf([], 1));
  server.closeAllConnections();
  t.is((await link.push(pushOf([], 2))).type, 'acked');
  t.is(received.length, 2);
});

test('I2: nothing but an acknowledgement of the mirror is taken for one', async (t) => {
  const strangers: Answer[] = [
    (_received, response) => response.end('<html>Bem-vindo ao Wi-Fi do hotel</html>'),
    (_received, response) => response.end('{"ok":true}'),
    (_received, response) => response.writeHead(204).end(),
    (_received, response) => response.writeHead(302, { location: 'http://portal' }).end(),
    (_received, response) => response.writeHead(502).end('Bad Gateway'),
    (_received, response) => response.destroy(),
  ];
  for (const stranger of strangers) {
    await using stack = new AsyncDisposableStack();
    const { link } = await openLink(stack, stranger);
    t.like(await link.push(pushOf([])), { type: 'network-failed', mayHaveArrived: true });
  }
});

test('a refusal arrives with its code, its words, and what helps against it', async (t) => {
  await using stack = new AsyncDisposableStack();
  const refusals = [
    [refuse('NODE_BANNED'), { code: 'NODE_BANNED', detail: 'in words' }],
    [refuse('SIG_CLOCK_SKEW', { serverTimeMs: 123 }), { code: 'SIG_CLOCK_SKEW', serverTimeMs: 123 }],
    [refuse('RATE_LIMITED', {}, { 'retry-after': '7' }), { code: 'RATE_LIMITED', retryAfterMs: 7000 }],
    [refuse('SEQ_STALE', { lastPushSeq: 4711 }), { code: 'SEQ_STALE', lastPushSeq: 4711 }],
    [refuse('IDEMPOTENCY_CONFLICT', { lastPushSeq: 9 }), { code: 'IDEMPOTENCY_CONFLICT', lastPushSeq: 9 }],
  ] as const;
  for (const [answer, expected] of refusals) {
    const { link } = await openLink(stack, answer);
    t.like(await link.push(pushOf([])), { type: 'refused', ...expected });
  }
});

test('a body that is refused half read is a refusal, not a broken link', async (t) => {
  await using stack = new AsyncDisposableStack();
  const node = await createNode(await tempDir(stack));
  const problem = JSON.stringify({ code: 'BODY_TOO_LARGE', detail: 'too large' });
  const server = createTcpServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.once('data', () =>
      socket.end(
        `HTTP/1.1 413 Payload Too Large\r\ncontent-type: application/problem+json\r\ncontent-length: ${problem.length}\r\nconnection: close\r\n\r\n${problem}`,
      ),
    );
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  stack.defer(() => void server.close());
  const link = stack.use(linkTo(new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`), node));
  t.like(await link.push(pushOf([changeOf('{"a":1}')])), { type: 'refused', code: 'BODY_TOO_LARGE' });
});

test('a mirror that never answers is a timeout; one that is not there never had the push', async (t) => {
  await using stack = new AsyncDisposableStack();
  const { link, node, url, server } = await openLink(stack, () => undefined, 150);
  t.deepEqual(await link.push(pushOf([])), { type: 'timeout' });
  server.close();
  server.closeAllConnections();
  const gone = stack.use(linkTo(url, node));
  t.like(await gone.push(pushOf([])), { type: 'network-failed', mayHaveArrived: false });
});

test('the wrong clock is corrected by the offset that the push carries', async (t) => {
  await using stack = new AsyncDisposableStack();
  const { node, url, received } = await openLink(stack, acknowledge);
  const hourMs = 3_600_000;
  const wrong = stack.use(
    createMirrorLink({
      ...{ ...signersOf(node), url, tenant: node, health },
      now: () => Date.now() - hourMs,
      timeoutMs: 5_000,
    }),
  );
  t.is((await wrong.push({ ...pushOf([]), signOffsetMs: hourMs })).type, 'acked');
  t.is(received.length, 1);
  t.is(received[0]?.headers.host, url.host);
  t.is(streamRules.orders.path, '/internal/sync/pedidos');
});
