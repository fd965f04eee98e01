import { type Route, type RouteSpec, route } from '@sgp/service-kit/route';
import type { CompanyCaller } from './token-store.ts';

/** A route that a company's token may call. */
export const companyRoute = <const Spec extends RouteSpec>(
  spec: Spec & { readonly access: 'company-read' | 'company-write' },
  handle: Parameters<typeof route<Spec, CompanyCaller>>[1],
): Route => route<Spec, CompanyCaller>(spec, handle);
