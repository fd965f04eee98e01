import type { Database } from '@sgp/service-kit/database';
import { healthRoutes } from '@sgp/service-kit/health';
import { createHttpApp } from '@sgp/service-kit/http-app';
import type { Log } from '@sgp/service-kit/log';
import type { Metrics } from '@sgp/service-kit/metrics';
import { accessRules } from './access.ts';
import { companyRoutes } from './companies/company-routes.ts';
import { createCompanyStore } from './companies/company-store.ts';
import { enrolmentRoutes } from './enrolment/enrolment-routes.ts';
import { createEnrolmentStore } from './enrolment/enrolment-store.ts';
import { createFailureLimit } from './failure-limit.ts';
import { keyRoutes } from './keys/key-routes.ts';
import type { Keyring } from './keys/keyring.ts';
import { createLicenceIssuer } from './licences/licence-issuer.ts';
import type { LicenceStore } from './licences/licence-store.ts';
import { licenseLimits } from './license-limits.ts';
import { nodeRoutes } from './nodes/node-routes.ts';
import { createNodeStore } from './nodes/node-store.ts';
import type { NonceStore } from './nodes/nonce-store.ts';

export type LicenseAppDeps = {
  readonly db: Database;
  readonly keyring: Keyring;
  readonly licences: LicenceStore;
  readonly nonces: NonceStore;
  readonly adminToken: string;
  readonly serviceToken: string;
  readonly mirrorUrl: string;
  /** Host and port that nodes sign. */
  readonly authority: string;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Milliseconds since 1970. */
  readonly now: () => number;
};

export function createLicenseApp(deps: LicenseAppDeps): ReturnType<typeof createHttpApp> {
  const { db, keyring, licences, nonces, now } = deps;
  const companies = createCompanyStore(db);
  const nodes = createNodeStore(db);
  const enrolments = createEnrolmentStore(db);
  const issuer = createLicenceIssuer({ licences, companies, keyring, now });
  const addressesMax = licenseLimits.addressesRememberedMax;
  const enrolFailures = createFailureLimit({
    failuresMax: licenseLimits.enrolFailuresPerAddressMax,
    windowMs: licenseLimits.enrolFailureWindowMs,
    addressesMax,
    now,
  });
  const signedFailures = createFailureLimit({
    failuresMax: licenseLimits.signedFailuresPerAddressMax,
    windowMs: licenseLimits.signedFailureWindowMs,
    addressesMax,
    now,
  });
  return createHttpApp({
    log: deps.log,
    metrics: deps.metrics,
    access: accessRules({ ...deps, nodes, signedFailures }),
    routes: [
      ...healthRoutes('license', deps.metrics, { database: () => db.raw('select 1') }),
      ...keyRoutes({ keyring, now }),
      ...companyRoutes({ companies, now }),
      ...enrolmentRoutes({ enrolments, companies, issuer, keyring, enrolFailures, mirrorUrl: deps.mirrorUrl, now }),
      ...nodeRoutes({ nodes, nonces, companies, issuer, keyring, signedFailures, authority: deps.authority, now }),
    ],
  });
}
