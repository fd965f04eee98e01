import { createReadStream } from 'node:fs';
import { access, mkdir, readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import type { NodeIdentity } from '@sgp/auth/node-identity';
import type { Bundle, BundleState } from '@sgp/shared/api/sync';
import { AppError } from '@sgp/shared/errors';
import { lanes } from '@sgp/shared/sync';
import type { Actor, AuditStore } from '../audit/audit-store.ts';
import { readCounts } from '../outbox/outbox-head.ts';
import type { BundleStore, KnownBundle } from './bundle-store.ts';
import { type AckSource, type SettleBundleDeps, type Settled, settleBundle } from './settle-bundle.ts';
import { type WriteBundleDeps, writeBundle } from './write-bundle.ts';

export type BundleServiceDeps = WriteBundleDeps &
  SettleBundleDeps & {
    readonly bundles: BundleStore;
    readonly audit: Pick<AuditStore, 'append'>;
    readonly identity: Pick<NodeIdentity, 'est' | 'timeZone'>;
    /** Called when the queue became shorter. */
    readonly onSettled: () => void;
  };

/** Carries what waits by hand: a file for the Core, and the Core's answer. Both are in the audit trail. */
export type BundleService = {
  /** Writes to `path`, or into `dir` under a name that tells shop and time. @throws AppError BUNDLE_EMPTY, DISK_FULL */
  write(actor: Actor, to: { readonly path: string } | { readonly dir: string }): Promise<KnownBundle>;
  /** @throws AppError those of `settleBundle` */
  settle(actor: Actor, source: AckSource): Promise<Settled & { readonly pending: number }>;
  pending(): Promise<number>;
};

export function createBundleService(deps: BundleServiceDeps): BundleService {
  const { db, bundles, audit, now } = deps;
  const pending = async (): Promise<number> => {
    const { openByLane } = await readCounts(db);
    return lanes.reduce<number>((sum, lane) => sum + openByLane[lane], 0);
  };
  return {
    async write(actor, to) {
      const path = 'path' in to ? to.path : join(to.dir, fileNameOf(deps.identity, now()));
      const fileName = basename(path);
      const bundle = { ...(await writeBundle(deps, path)), fileName };
      await db.transaction(async (tx) => {
        await bundles.add(tx, bundle);
        const { bundleId: entityId, createdAt: at, changes, bytes } = bundle;
        await audit.append(tx, {
          ...{ at, actor, entity: 'bundle', entityId, action: 'bundle_written' },
          ...{ summary: { fileName, changes, bytes }, before: {}, after: {} },
        });
      });
      return { ...bundle, settledAt: null, settled: null, parked: null };
    },
    async settle(actor, source) {
      const what = await settleBundle(deps, source);
      const { bundleId: entityId, settled, parked } = what;
      const at = now();
      await db.transaction(async (tx) => {
        await bundles.noteSettled(tx, entityId, { at, settled, parked });
        await audit.append(tx, {
          ...{ at, actor, entity: 'bundle', entityId, action: 'bundle_settled' },
          ...{ summary: { settled, parked }, before: {}, after: {} },
        });
      });
      deps.onSettled();
      return { ...what, pending: await pending() };
    },
    pending,
  };
}

/** `sgp-matriz-2026-11-26-143207.sgp`: by the shop's clock, and with an ending that no browser unpacks by itself. */
export function fileNameOf({ est, timeZone }: Pick<NodeIdentity, 'est' | 'timeZone'>, atMs: number): string {
  const parts = new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeStyle: 'medium', timeZone }).format(atMs);
  return `sgp-${est}-${parts.replace(' ', '-').replaceAll(':', '')}.sgp`;
}

/** What the sync page does: one file is kept on the server, the newest, to be downloaded. */
export type BundleDesk = {
  state(): Promise<BundleState>;
  write(actor: Actor): Promise<Bundle>;
  /** @throws AppError NOT_FOUND when it is not kept any more */
  open(bundleId: string): Promise<{ readonly fileName: string; readonly bytes: number; readonly content: Readable }>;
  settle(actor: Actor, bytes: Buffer): ReturnType<BundleService['settle']>;
};

export function createBundleDesk(
  { db, bundles }: Pick<BundleServiceDeps, 'db' | 'bundles'>,
  service: BundleService,
  dir: string,
): BundleDesk {
  let writing: Promise<Bundle> | null = null;
  /** Of several with one name only the newest is there. */
  const isKept = async ({ bundleId, fileName }: KnownBundle): Promise<boolean> => {
    if ((await bundles.newest(db))?.bundleId !== bundleId) return false;
    return access(join(dir, fileName)).then(
      () => true,
      () => false,
    );
  };
  const write = async (actor: Actor): Promise<Bundle> => {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const bundle = await service.write(actor, { dir });
    for (const name of await readdir(dir)) if (name !== bundle.fileName) await rm(join(dir, name), { force: true });
    return { ...bundle, kept: true };
  };
  return {
    async state() {
      const bundle = await bundles.newest(db);
      return {
        pending: await service.pending(),
        bundle: bundle && { ...bundle, kept: await isKept(bundle) },
      };
    },
    write(actor) {
      // Two that press the button at once get one file.
      writing ??= write(actor).finally(() => {
        writing = null;
      });
      return writing;
    },
    async open(bundleId) {
      const bundle = await bundles.find(db, bundleId);
      if (!bundle || !(await isKept(bundle)))
        throw new AppError('NOT_FOUND', 'This file is not kept any more; write another.');
      const content = createReadStream(join(dir, bundle.fileName));
      return { fileName: bundle.fileName, bytes: bundle.bytes, content };
    },
    settle: (actor, bytes) => service.settle(actor, () => Readable.from([bytes])),
  };
}
