import type { Route } from '@sgp/service-kit/route';
import { alertRoutes } from './alert-routes.ts';
import { auditRoutes } from './audit-routes.ts';
import type { CompanyDeps } from './company-deps.ts';
import { conflictRoutes } from './conflict-routes.ts';
import { entityRoutes } from './entity-routes.ts';
import { syncRoutes } from './sync-routes.ts';
import { transferRoutes } from './transfer-routes.ts';
import { userRoutes } from './user-routes.ts';

/** What a company does at the Core for all its establishments. */
export const companyRoutes = (deps: CompanyDeps): readonly Route[] => [
  ...userRoutes(deps),
  ...entityRoutes(deps),
  ...transferRoutes(deps),
  ...conflictRoutes(deps),
  ...syncRoutes(deps),
  ...alertRoutes(deps),
  ...auditRoutes(deps),
];
