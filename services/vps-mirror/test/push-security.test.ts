import { gzipSync } from 'node:zlib';
import { contentDigest } from '@sgp/auth/digest';
import { limits } from '@sgp/shared/limits';
import test from 'ava';
import { mirrorLimits } from '../src/mirror-limits.ts';
import { batchOf, changeOf, createEdge, encode, newIdempotencyKey, newPrivateJwk, snapshotOf } from './support/edge.ts';
import {
  ackOf,
  type Bench,
  metric,
  openBench,
  push,
  pushPath,
  send,
  startMirror,
  testAuthority,
} from './support/mirror.ts';

/** Titles begin with the name of the SECURITY row that they prove. */

const rowsOf = async (bench: Bench, table: string): Promise<number> =>
  Number(((await bench.mirror.db(table).count({ n: '*' })) as { n: number }[])[0]?.n);

const oneOrder = (bench: Bench, pushSeq = 1) =>
  batchOf(bench.edge, pushSeq, [changeOf(snapshotOf(bench.edge), pushSeq)]);

const without = (headers: Record<string, string>, ...names: string[]): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !names.includes(name)));

test.serial('push/unsigned: a push without signature is refused', async (t) => {
  await using bench = await openBench();
  const answer = await push(bench, oneOrder(bench), {
    tamper: (headers) => without(headers, 'signature', 'signature-input'),
  });
  t.like(answer, { status: 401, code: 'SIG_MISSING' });
  t.is(await rowsOf(bench, 'orders'), 0);
});

test.serial('push/wrong-key: the signature of another key under the right key id is refused', async (t) => {
  await using bench = await openBench();
  const answer = await push(bench, oneOrder(bench), { privateJwk: newPrivateJwk() });
  t.like(answer, { status: 401, code: 'SIG_INVALID' });
  t.is(await rowsOf(bench, 'orders'), 0);
});

test.serial('push/unknown-kid: a key id that the node does not have is refused', async (t) => {
  await using bench = await openBench();
  t.like(await push(bench, oneOrder(bench), { keyId: 'nk_unknown' }), { status: 401, code: 'SIG_KEY_UNKNOWN' });
});

test.serial('push/unknown-api-key: an unknown node and a wrong secret are refused alike', async (t) => {
  await using bench = await openBench();
  const stranger = createEdge();
  const unknown = await push({ mirror: bench.mirror, edge: stranger }, oneOrder(bench));
  const wrong = await push(bench, oneOrder(bench), {
    tamper: (headers) => ({ ...headers, 'x-api-key': `${bench.edge.apiKey.slice(0, -1)}_` }),
  });
  t.like(unknown, { status: 401, code: 'APIKEY_INVALID' });
  t.like(wrong, { status: 401, code: 'APIKEY_INVALID' });
  t.is(unknown.json.detail, wrong.json.detail);
});

test.serial('push/body-swap: a changed body is refused, and a changed body with its digest too', async (t) => {
  await using bench = await openBench();
  const signed = encode(oneOrder(bench));
  const headers = await bench.edge.sign({ authority: testAuthority, path: pushPath, body: signed });
  const swapped = encode(oneOrder(bench, 2));
  const url = bench.mirror.url + pushPath;
  t.like(await send(url, 'POST', headers, swapped), { status: 400, code: 'DIGEST_MISMATCH' });
  const digest = { ...headers, 'content-digest': contentDigest(swapped) };
  t.like(await send(url, 'POST', digest, swapped), { status: 401, code: 'SIG_INVALID' });
  t.is(await rowsOf(bench, 'nonces'), 0);
});

test.serial('push/component-matrix: each covered component that is swapped is refused', async (t) => {
  await using bench = await openBench();
  const { edge } = bench;
  const body = gzipSync(encode(oneOrder(bench)));
  const sign = (over: object = {}) =>
    edge.sign({ authority: testAuthority, path: pushPath, body, contentEncoding: 'gzip', ...over });
  const url = bench.mirror.url + pushPath;
  const cases: Record<string, () => ReturnType<typeof send>> = {
    method: async () => send(url, 'POST', await sign({ method: 'PUT' }), body),
    authority: async () => send(url, 'POST', await sign({ authority: 'other.test:7001' }), body),
    path: async () => send(url, 'POST', await sign({ path: '/internal/sync/other' }), body),
    query: async () => send(`${url}?a=1`, 'POST', await sign(), body),
    'content-type': async () => send(url, 'POST', { ...(await sign()), 'content-type': 'text/plain' }, body),
    'content-encoding': async () => send(url, 'POST', { ...(await sign()), 'content-encoding': 'zstd' }, body),
    'content-encoding left out': async () => send(url, 'POST', without(await sign(), 'content-encoding'), body),
    'x-node-id': async () => send(url, 'POST', { ...(await sign()), 'x-node-id': 'abcdefabcdef' }, body),
    'idempotency-key': async () =>
      send(url, 'POST', { ...(await sign()), 'idempotency-key': newIdempotencyKey() }, body),
  };
  for (const [name, attack] of Object.entries(cases)) {
    const answer = await attack();
    t.true([400, 401].includes(answer.status), `${name}: ${answer.status} ${answer.text}`);
  }
  t.is(await rowsOf(bench, 'nonces'), 0);
  t.is((await send(url, 'POST', await sign(), body)).status, 200, 'untouched it is accepted');
});

test.serial('push/replay: the very same request a second time is refused', async (t) => {
  await using bench = await openBench();
  const body = encode(oneOrder(bench));
  const headers = await bench.edge.sign({ authority: testAuthority, path: pushPath, body });
  const url = bench.mirror.url + pushPath;
  t.is((await send(url, 'POST', headers, body)).status, 200);
  t.like(await send(url, 'POST', headers, body), { status: 409, code: 'SIG_REPLAY' });
});

test.serial('push/replay-parallel: of twenty equal requests at once exactly one is accepted', async (t) => {
  await using bench = await openBench();
  const body = encode(oneOrder(bench));
  const headers = await bench.edge.sign({ authority: testAuthority, path: pushPath, body });
  const all = Array.from({ length: 20 }, () => send(bench.mirror.url + pushPath, 'POST', headers, body));
  const answers = await Promise.all(all);
  t.is(answers.filter(({ status }) => status === 200).length, 1);
  t.is(answers.filter(({ code }) => code === 'SIG_REPLAY').length, 19);
});

test.serial(
  'push/replay-after-restart: a mirror that was started anew, or another replica, knows the nonce',
  async (t) => {
    await using bench = await openBench();
    const body = encode(oneOrder(bench));
    const headers = await bench.edge.sign({ authority: testAuthority, path: pushPath, body });
    t.is((await send(bench.mirror.url + pushPath, 'POST', headers, body)).status, 200);
    await using second = await startMirror({ dir: bench.dir, dbUrl: bench.dbUrl, license: bench.license });
    t.like(await send(second.url + pushPath, 'POST', headers, body), { status: 409, code: 'SIG_REPLAY' });
  },
);

test.serial('push/bad-sig-leaves-no-row: fifty pushes with a wrong signature write nothing', async (t) => {
  await using bench = await openBench();
  for (let i = 1; i <= 50; i += 1)
    t.is((await push(bench, oneOrder(bench, i), { privateJwk: newPrivateJwk() })).code, 'SIG_INVALID');
  for (const table of ['nonces', 'orders', 'push_batches', 'push_checkpoints', 'parked_changes'])
    t.is(await rowsOf(bench, table), 0, table);
});

test.serial(
  'push/ip-limit: an address that keeps sending wrong credentials is shut out, and comes in again later',
  async (t) => {
    await using bench = await openBench();
    const body = encode(oneOrder(bench));
    const wrong = { 'x-api-key': `npk_live_${'a'.repeat(12)}_${'b'.repeat(43)}` };
    for (let i = 0; i < mirrorLimits.badCredentialsPerIpMax; i += 1)
      t.is((await send(bench.mirror.url + pushPath, 'POST', wrong, body)).status, 401);
    const banned = await push(bench, oneOrder(bench));
    t.like(banned, { status: 429, code: 'RATE_LIMITED' });
    t.true(Number(banned.headers['retry-after']) > 0);
    bench.mirror.clock.offsetMs = mirrorLimits.badCredentialsBanMs + 1000;
    const later = Date.now() + bench.mirror.clock.offsetMs;
    t.is((await push(bench, oneOrder(bench), { nowMs: later })).status, 200);
  },
);

test.serial('push/future: a signature from the future is refused', async (t) => {
  await using bench = await openBench();
  t.like(await push(bench, oneOrder(bench), { nowMs: Date.now() + 120_000 }), { status: 401, code: 'SIG_CLOCK_SKEW' });
});

test.serial('push/long-expiry: a signature that lives longer than allowed is refused', async (t) => {
  await using bench = await openBench();
  const stretch = (headers: Record<string, string>): Record<string, string> => ({
    ...headers,
    'signature-input': String(headers['signature-input']).replace(/expires=\d+/, 'expires=4102444800'),
  });
  t.like(await push(bench, oneOrder(bench), { tamper: stretch }), { status: 401, code: 'SIG_POLICY' });
});

test.serial(
  'push/skew-recovers: a clock that is three days wrong is told our time and is accepted with it',
  async (t) => {
    await using bench = await openBench();
    const batch = oneOrder(bench);
    const wrong = Date.now() - 3 * 24 * 3600 * 1000;
    const refused = await push(bench, batch, { nowMs: wrong });
    t.like(refused, { status: 401, code: 'SIG_CLOCK_SKEW' });
    const offset = refused.json.details.serverTimeMs - wrong;
    t.is((await push(bench, batch, { nowMs: wrong + offset })).status, 200);
  },
);

test.serial('push/skew-hides: our time is not told to who cannot sign', async (t) => {
  await using bench = await openBench();
  const answer = await push(bench, oneOrder(bench), { nowMs: 1_000_000_000_000, privateJwk: newPrivateJwk() });
  t.is(answer.code, 'SIG_INVALID');
  t.is(answer.json.details, undefined);
});

test.serial(
  'push/tenant-mismatch: a valid node that names another company, establishment or node is refused',
  async (t) => {
    await using bench = await openBench();
    const other = createEdge().record;
    for (const field of ['companyId', 'establishmentId', 'nodeId'] as const) {
      const answer = await push(bench, batchOf(bench.edge, 1, [], { [field]: other[field] }));
      t.like(answer, { status: 403, code: 'TENANT_MISMATCH' }, field);
    }
    t.is(await rowsOf(bench, 'push_batches'), 0);
  },
);

test.serial("push/mixed-identity: one node's API key with another node's signing key is refused", async (t) => {
  await using bench = await openBench();
  const other = bench.enrol(createEdge());
  const keyId = other.record.keys[0]?.keyId ?? '';
  const answer = await push(bench, oneOrder(bench), { keyId, privateJwk: other.privateJwk });
  t.like(answer, { status: 401, code: 'SIG_KEY_UNKNOWN' });
});

test.serial('push/other-tag: a signature made for another protocol is refused', async (t) => {
  await using bench = await openBench();
  for (const tag of ['media-push/1', 'checkin/1'] as const)
    t.like(await push(bench, oneOrder(bench), { tag }), { status: 401, code: 'SIG_POLICY' });
});

test.serial('push/header-games: a header twice, a second signature and `;req` are refused', async (t) => {
  await using bench = await openBench();
  const twice =
    (name: string) =>
    (headers: Record<string, string>): readonly string[] => [
      ...Object.entries(headers).flat(),
      name,
      String(headers[name.toLowerCase()]),
    ];
  for (const name of ['x-node-id', 'content-digest', 'Signature', 'idempotency-key'])
    t.like(await push(bench, oneOrder(bench), { tamper: twice(name) }), { status: 400, code: 'HDR_DUPLICATE' }, name);
  const second = await push(bench, oneOrder(bench), {
    tamper: (headers) => ({
      ...headers,
      'signature-input': `${headers['signature-input']}, ${String(headers['signature-input']).replace('sig1=', 'sig2=')}`,
      signature: `${headers['signature']}, ${String(headers['signature']).replace('sig1=', 'sig2=')}`,
    }),
  });
  t.is(second.status, 401);
  const req = await push(bench, oneOrder(bench), {
    tamper: (headers) => ({
      ...headers,
      'signature-input': String(headers['signature-input']).replace('"@path"', '"@path";req'),
    }),
  });
  t.is(req.status, 401);
  t.is(await rowsOf(bench, 'nonces'), 0);
});

test.serial('push/bomb: 64 MB that arrive as 64 KB are refused before they fill the memory', async (t) => {
  await using bench = await openBench();
  const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));
  t.true(bomb.length < 128 * 1024);
  const before = process.memoryUsage.rss();
  const answer = await push(bench, bomb, { contentEncoding: 'gzip' });
  t.like(answer, { status: 413, code: 'BODY_TOO_LARGE' });
  t.true(process.memoryUsage.rss() - before < 48 * 1024 * 1024, 'at most the cap was inflated');
  t.is((await push(bench, oneOrder(bench))).status, 200);
});

test.serial(
  'push/413-then-next-ok: a body over the limit closes its connection, and the next push works',
  async (t) => {
    await using bench = await openBench();
    const big = Buffer.alloc(limits.pushBodyMaxBytes + 1, 32);
    const refused = await push(bench, big);
    t.like(refused, { status: 413, code: 'BODY_TOO_LARGE' });
    t.is(refused.headers.connection, 'close');
    t.is((await push(bench, oneOrder(bench))).status, 200);
  },
);

test.serial('push/headers-too-large: 200 KB of headers are refused by the server, which stays up', async (t) => {
  await using bench = await openBench();
  const flood = push(bench, oneOrder(bench), {
    tamper: (headers) => ({ ...headers, 'x-junk': 'a'.repeat(200 * 1024) }),
  });
  // The server answers 431 and closes without reading on; the client may find the connection reset before the answer.
  const outcome = await flood.then(
    ({ status }) => status,
    (error: NodeJS.ErrnoException) => error.code,
  );
  t.true(outcome === 431 || outcome === 'ECONNRESET' || outcome === 'EPIPE', String(outcome));
  t.is((await push(bench, oneOrder(bench))).status, 200);
});

test.serial('push/proto: a `__proto__` member changes no prototype and no stored order', async (t) => {
  await using bench = await openBench();
  const snapshot = snapshotOf(bench.edge);
  const text = JSON.stringify(batchOf(bench.edge, 1, [changeOf(snapshot, 1)]));
  const inPayload = text.replace('"payload":{', '"payload":{"__proto__":{"polluted":true},');
  const answer = await push(bench, Buffer.from(inPayload));
  t.is(answer.status, 200);
  t.is(({} as Record<string, unknown>)['polluted'], undefined);
  const row = await bench.mirror.db('orders').first('doc');
  t.false(String(row?.doc ?? '').includes('polluted'));
  const inEnvelope = text.replace('{"schemaVersion"', '{"__proto__":{"companyId":"x"},"schemaVersion"');
  t.true([200, 409, 422].includes((await push(bench, Buffer.from(inEnvelope))).status));
  t.is(({} as Record<string, unknown>)['companyId'], undefined);
});

test.serial(
  'push/extra-field: an unknown member refuses the envelope and parks the order that carries it',
  async (t) => {
    await using bench = await openBench();
    const snapshot = snapshotOf(bench.edge);
    const batch = batchOf(bench.edge, 1, [changeOf(snapshot, 1)]);
    t.like(await push(bench, encode({ ...batch, isAdmin: true })), { status: 422, code: 'BODY_INVALID' });
    const extra = changeOf({ ...snapshot, cpf: '12345678901' } as never, 1);
    const { results } = ackOf(await push(bench, batchOf(bench.edge, 1, [extra])));
    t.like(results[0], { outcome: 'parked', reason: { code: 'BODY_INVALID' } });
    t.is(await rowsOf(bench, 'orders'), 0);
  },
);

test.serial('push/broken-json: what is no UTF-8, no JSON, no gzip or no object is refused with a code', async (t) => {
  await using bench = await openBench();
  const bodies = [Buffer.from('{"a":'), Buffer.from([0xff, 0xfe, 0x7b]), Buffer.from('[]'), Buffer.from('null')];
  for (const body of bodies) t.like(await push(bench, body), { status: 422, code: 'BODY_INVALID' });
  const deep = Buffer.from('['.repeat(500_000));
  t.like(await push(bench, deep), { status: 422, code: 'BODY_INVALID' });
  t.is((await push(bench, Buffer.from('no gzip'), { contentEncoding: 'gzip' })).code, 'BODY_INVALID');
  t.is((await push(bench, oneOrder(bench), { contentType: 'text/plain' })).code, 'CONTENT_TYPE_UNSUPPORTED');
});

test.serial(
  'push/banned: a suspended node is refused whole, and its push is taken after it was reinstated',
  async (t) => {
    await using bench = await openBench();
    const { record } = bench.edge;
    t.is((await push(bench, oneOrder(bench, 1))).status, 200);
    bench.license.records.set(record.shortId, { ...record, status: 'suspended' });
    bench.mirror.clock.offsetMs = mirrorLimits.nodeRecordMaxAgeMs + 1000;
    const nowMs = Date.now() + bench.mirror.clock.offsetMs;
    t.like(await push(bench, oneOrder(bench, 2), { nowMs }), { status: 403, code: 'NODE_BANNED' });
    bench.license.records.set(record.shortId, record);
    bench.mirror.clock.offsetMs += mirrorLimits.nodeRecordMaxAgeMs + 1000;
    t.is((await push(bench, oneOrder(bench, 2), { nowMs: Date.now() + bench.mirror.clock.offsetMs })).status, 200);
  },
);

test.serial('push/refused-metric: refusals are counted by code', async (t) => {
  await using bench = await openBench();
  await push(bench, oneOrder(bench), { privateJwk: newPrivateJwk() });
  await push({ mirror: bench.mirror, edge: createEdge() }, oneOrder(bench));
  t.is(await metric(bench.mirror.metrics, 'sgp_mirror_refused_total', { code: 'SIG_INVALID' }), 1);
  t.is(await metric(bench.mirror.metrics, 'sgp_mirror_refused_total', { code: 'APIKEY_INVALID' }), 1);
});
