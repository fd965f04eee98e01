import { createRequestSigner } from '@sgp/auth/http-signature';
import { type NodeIdentity, readNodeKey } from '@sgp/auth/node-identity';
import type { Database } from '@sgp/service-kit/database';
import type { AuditStore } from '../audit/audit-store.ts';
import { createCoreWords } from '../bridge/core-words.ts';
import { createLicenceFiles } from '../bridge/licence-files.ts';
import { type BundleService, type BundleServiceDeps, createBundleService } from './bundle-service.ts';
import { createBundleStore } from './bundle-store.ts';

export type OpenBundlesDeps = {
  readonly db: Database;
  readonly identity: NodeIdentity;
  readonly nodeDir: string;
  /** host:port that the mirror knows as its own. */
  readonly mirrorAuthority: string | undefined;
  readonly audit: Pick<AuditStore, 'append'>;
  readonly onSettled: () => void;
};

/** Writing a file throws Error when the node's key cannot be read. */
export function openBundles(deps: OpenBundlesDeps): BundleService & Pick<BundleServiceDeps, 'bundles'> {
  const { db, identity, nodeDir, audit, onSettled } = deps;
  const bundles = createBundleStore();
  const service = createBundleService({
    ...{ db, identity, bundles, audit, onSettled, tenant: identity, now: Date.now },
    // The key is in memory only while a file is written.
    signer: {
      sign: (request) =>
        createRequestSigner({
          ...identity,
          privateJwk: readNodeKey(nodeDir),
          authority: deps.mirrorAuthority ?? new URL(identity.mirrorUrl).host,
          tag: 'snapshot-bundle/1',
        }).sign(request),
    },
    coreWords: createCoreWords(createLicenceFiles(nodeDir, identity.nodeId), identity.nodeId, Date.now),
  });
  return { ...service, bundles };
}
