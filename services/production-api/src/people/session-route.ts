import { type Route, type RouteSpec, route } from '@sgp/service-kit/route';
import type { SessionCaller } from './caller.ts';

/** A route whose access is `session` or `manager`: its handler knows who calls. */
export const sessionRoute = <const Spec extends RouteSpec & { readonly access: 'session' | 'manager' }>(
  spec: Spec,
  handle: Parameters<typeof route<Spec, SessionCaller>>[1],
): Route => route<Spec, SessionCaller>(spec, handle);
