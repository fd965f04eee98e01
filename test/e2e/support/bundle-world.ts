import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { anyNode, licenseService, signDocument } from '@sgp/auth/document';
import { type NodeIdentity, nodeFiles } from '@sgp/auth/node-identity';
import { newSigningKey, publicSigningKey } from '@sgp/auth/signing-key';
import type { Database } from '@sgp/service-kit/database';
import { newId } from '@sgp/service-kit/ids';
import { type ErrorCode, isErrorCode, type Problem } from '@sgp/shared/errors';
import { streams } from '@sgp/shared/sync';
import { type BundleAckClaims, bundlePath } from '@sgp/shared/sync-bundle';
import { createDigestTree, encodeSum, sumFromHex } from '@sgp/sync-engine/digest';
import type { ExecutionContext } from 'ava';
import type { Actor } from '../../../services/production-api/src/audit/audit-store.ts';
import { openBundles } from '../../../services/production-api/src/bundle/open-bundles.ts';
import { openProductionDb } from '../../../services/production-api/src/db.ts';
import { openStreams } from '../../../services/production-api/test/support/streams.ts';
import { createWriter } from '../../../services/production-api/test/support/sync-world.ts';
import type { DatabaseMaker } from '../../../services/vps-mirror/test/support/databases.ts';
import type { Edge } from '../../../services/vps-mirror/test/support/edge.ts';
import { type Bench, openBench, testAuthority } from '../../../services/vps-mirror/test/support/mirror.ts';

/** Shops without a line, with real databases and keys, and the Core over real HTTP: what travels is the bytes of files. */

export const actor: Actor = { userId: null, who: 'Ana', address: null };

/** Where `npm start` keeps what is the shop's, below a data folder. */
const placesOf = (dataDir: string) => ({
  node: join(dataDir, 'edge', 'node'),
  db: join(dataDir, 'edge', 'production.db'),
});

/** What enrolment leaves behind, and the list of keys by which the Core is believed. */
async function writeNode(nodeDir: string, edge: Edge, keyset: Keyset): Promise<NodeIdentity> {
  const { nodeId, shortId, companyId, establishmentId, keys } = edge.record;
  const identity: NodeIdentity = {
    ...{ nodeId, shortId, companyId, establishmentId, apiKey: edge.apiKey, keyId: keys[0]?.keyId ?? '' },
    ...{ mirrorUrl: `http://${testAuthority}`, est: 'matriz', shopName: 'Oficina', timeZone: 'America/Sao_Paulo' },
  };
  await mkdir(nodeDir, { recursive: true });
  await writeFile(join(nodeDir, nodeFiles.identity), JSON.stringify(identity));
  await writeFile(join(nodeDir, nodeFiles.key), JSON.stringify(edge.privateJwk));
  await writeFile(join(nodeDir, nodeFiles.roots), keyset.roots);
  await writeFile(join(nodeDir, nodeFiles.keyset), keyset.jws);
  return identity;
}

type Keyset = { readonly roots: string; readonly jws: string };

async function keysetOf({ mirror }: Bench): Promise<Keyset> {
  const root = await newSigningKey('root', Date.now());
  const iat = Math.floor(Date.now() / 1000) - 60;
  const claims = { iss: licenseService, aud: anyNode, iat, exp: iat + 86_400, version: 1 };
  const keys = [{ ...publicSigningKey(mirror.syncKey), purpose: 'sync' }];
  return {
    roots: JSON.stringify({ keys: [publicSigningKey(root)] }),
    jws: await signDocument('keyset+jwt', { ...claims, keys }, root),
  };
}

/** Over a production.db, which may be a copy of another one. */
async function openShop(stack: AsyncDisposableStack, dataDir: string, edge: Edge, keyset: Keyset) {
  const places = placesOf(dataDir);
  const identity = await writeNode(places.node, edge, keyset);
  const db = stack.adopt(await openProductionDb(`sqlite:${places.db}`), (open) => open.destroy());
  const domain = openStreams(db, identity);
  let rings = 0;
  const bundles = openBundles({
    ...{ db, identity, nodeDir: places.node, mirrorAuthority: undefined, audit: domain.audit },
    onSettled: () => {
      rings += 1;
    },
  });
  let files = 0;
  return {
    ...{ db, dataDir, edge, identity, bundles, domain },
    writer: createWriter(db, identity),
    get rings() {
      return rings;
    },
    /** One entry of the audit trail: a stream in which each entity is written once. */
    audit: () =>
      db.transaction((tx) =>
        domain.audit.append(tx, {
          ...{ at: Date.now(), actor, entity: 'order', entityId: newId(), action: 'moved' },
          ...{ summary: {}, before: {}, after: {} },
        }),
      ),
    async write(): Promise<{ readonly bundleId: string; readonly changes: number; readonly bytes: Buffer }> {
      const path = join(dataDir, `file-${++files}.sgp`);
      const { bundleId, changes } = await bundles.write(actor, { path });
      return { bundleId, changes, bytes: await readFile(path) };
    },
    settle: (ack: Buffer) =>
      bundles.settle(actor, async function* () {
        yield ack;
      }),
  };
}
export type Shop = Awaited<ReturnType<typeof openShop>>;

export type Delivered = {
  readonly status: number;
  /** Of the refusal. */
  readonly code: ErrorCode | null;
  /** The acknowledgement, or the refusal's text. */
  readonly bytes: Buffer;
};

export async function deliver(url: string, file: Uint8Array): Promise<Delivered> {
  const answer = await fetch(new URL(bundlePath, url), { method: 'POST', body: file });
  const bytes = Buffer.from(await answer.arrayBuffer());
  if (answer.status === 200) return { status: 200, code: null, bytes };
  const { code } = JSON.parse(bytes.toString()) as Problem;
  if (!isErrorCode(code)) throw new Error(`no code of ours: ${bytes}`);
  return { status: answer.status, code, bytes };
}

export type BundleWorld = {
  readonly bench: Bench;
  readonly shop: Shop;
  /** Brings a file to the Core. */
  bring(file: Uint8Array): Promise<Delivered>;
  /** Another shop of the Core, or another disk of the same one. */
  openShop(name: string, edge: Edge): Promise<Shop>;
};

export async function openBundleWorld(stack: AsyncDisposableStack, makeDatabase: DatabaseMaker): Promise<BundleWorld> {
  const bench = stack.use(await openBench(makeDatabase));
  await bench.mirror.listed();
  const keyset = await keysetOf(bench);
  const open = (name: string, edge: Edge): Promise<Shop> => openShop(stack, join(bench.dir, name), edge, keyset);
  return {
    bench,
    shop: await open('shop', bench.edge),
    bring: (file) => deliver(bench.mirror.url, file),
    openShop: open,
  };
}

/** Everything that a file may change on the Core, as one text. */
export async function coreState({ mirror: { db } }: Bench): Promise<string> {
  const tables = ['orders', 'entities', 'push_batches', 'push_checkpoints', 'parked_changes', 'node_sync'];
  const more = ['node_instances', 'digest_deltas', 'downlink', 'shared_entities', 'conflicts'];
  const rows: Record<string, readonly string[]> = {};
  for (const table of [...tables, ...more])
    rows[table] = (await db(table)).map((row: object) => JSON.stringify(row)).sort();
  return JSON.stringify(rows);
}

/** Everything that an acknowledgement may change in the shop, as one text. */
export async function shopState(db: Database): Promise<string> {
  const rows: Record<string, readonly string[]> = {};
  for (const table of ['outbox', 'outbox_head', 'sync_entities', 'digest_buckets', 'sync_state', 'bundles', 'audit'])
    rows[table] = (await db(table)).map((row: object) => JSON.stringify(row)).sort();
  return JSON.stringify(rows);
}

/** The queue is empty, and the sums over what was acknowledged are those of the Core. */
export async function areEqual(t: ExecutionContext, { db, edge }: Shop, { mirror }: Bench): Promise<void> {
  t.is((await db('outbox').whereNull('parked_at')).length, 0, 'nothing waits');
  const sums: readonly { stream: string; bucket: number; sum: string; rows: number }[] = await db('digest_buckets');
  for (const { stream, rows, root } of await mirror.digests.roots(edge.record, streams)) {
    const own = sums.filter((each) => each.stream === stream);
    const tree = createDigestTree(own.map((each) => ({ ...each, sum: sumFromHex(each.sum) })));
    t.deepEqual({ rows, root }, { rows: tree.root().rows, root: encodeSum(tree.root().sum) }, stream);
  }
}

export const linesOf = (file: Uint8Array): string[] => gunzipSync(file).toString().trimEnd().split('\n');
export const fileOf = (lines: readonly string[]): Buffer => gzipSync(`${lines.join('\n')}\n`);

/** What an acknowledgement says of each batch, its signatures left aside. */
export const claimsOf = (ack: Uint8Array): readonly BundleAckClaims[] =>
  linesOf(ack)
    .slice(1)
    .map((jws) => {
      const { bundleId, place, of, stream, ack: said } = JSON.parse(atob64url(jws.split('.')[1] ?? ''));
      return { bundleId, place, of, stream, ack: said };
    });
const atob64url = (text: string): string => Buffer.from(text, 'base64url').toString();

export const outcomesOf = (ack: Uint8Array): readonly string[] =>
  claimsOf(ack).flatMap((claims) => claims.ack.results.map(({ outcome }) => outcome));
