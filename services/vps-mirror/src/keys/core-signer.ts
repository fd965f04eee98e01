import { signCoreDocument } from '@sgp/auth/core-document';
import type { CoreDocumentType, PrivateSigningKey } from '@sgp/auth/document';
import { publicSigningKey } from '@sgp/auth/signing-key';
import type { Log } from '@sgp/service-kit/log';
import { AppError } from '@sgp/shared/errors';
import { mirrorLimits } from '../mirror-limits.ts';
import type { LicenseClient } from '../nodes/license-client.ts';

/** Signs what the Core says to nodes, once the license service lists the key: before that no node could verify it. */
export type CoreSigner = Disposable & {
  /** True once the license service listed the key. */
  readonly isListed: boolean;
  /** @throws AppError UNAVAILABLE before the key is listed */
  sign(typ: CoreDocumentType, nodeId: string, claims: { readonly [name: string]: unknown }): Promise<string>;
};

export type CoreSignerDeps = {
  readonly key: PrivateSigningKey;
  readonly license: Pick<LicenseClient, 'listSyncKey'>;
  readonly log: Log;
  readonly now: () => number;
  /** Wait after the first failure; it doubles up to `syncKeyRetryMaxMs`. */
  readonly retryMinMs?: number;
};

/** Tells the license service of the key in the background, until it took it, and now and then again. */
export function startCoreSigner(deps: CoreSignerDeps): CoreSigner {
  const { key, license, log, now, retryMinMs = mirrorLimits.syncKeyRetryMinMs } = deps;
  let isListed = false;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  let waitMs = retryMinMs;

  const tell = async (): Promise<void> => {
    try {
      const { keysetVersion } = await license.listSyncKey(publicSigningKey(key));
      if (!isListed) log.info({ kid: key.kid, keysetVersion }, 'the license service lists the sync key');
      isListed = true;
      waitMs = retryMinMs;
      // Again each hour: a license service that was restored from a backup may not know the key any more.
      next(mirrorLimits.syncKeyRefreshMs);
    } catch (err) {
      log.warn({ err, kid: key.kid, waitMs }, 'the license service does not list the sync key yet; told again later');
      next(waitMs);
      waitMs = Math.min(waitMs * 2, mirrorLimits.syncKeyRetryMaxMs);
    }
  };
  const next = (afterMs: number): void => {
    if (closed) return;
    timer = setTimeout(() => void tell(), afterMs);
    timer.unref();
  };
  void tell();

  return {
    get isListed() {
      return isListed;
    },
    async sign(typ, nodeId, claims) {
      if (!isListed)
        throw new AppError('UNAVAILABLE', 'The Core cannot sign yet; nothing was changed. Try again.', {
          details: { retryAfterS: 5 },
        });
      return signCoreDocument(typ, claims, { key, nodeId, nowMs: now() });
    },
    [Symbol.dispose]() {
      closed = true;
      clearTimeout(timer);
    },
  };
}
