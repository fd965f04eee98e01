import type { Context } from 'koa';
import type * as z from 'zod';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD';

/**
 * One address of a service: what it takes, what it answers and who may call it. The router, the OpenAPI document and the
 * authorisation tests are all made from this, so that none can differ from another.
 */
export type RouteSpec = {
  readonly method: Method;
  /** Koa router path, for example `/api/orders/:id`. */
  readonly path: string;
  readonly summary: string;
  readonly tag: string;
  /** Key of the app's `access` table: who may call. There is no default, so that nothing is open by mistake. */
  readonly access: string;
  readonly params?: z.ZodType;
  readonly query?: z.ZodType;
  /** JSON body. Give `rawBodyMaxBytes` instead to receive the bytes. */
  readonly body?: z.ZodType;
  readonly rawBodyMaxBytes?: number;
  /** Shape of the JSON answer. Left out: the handler writes to `ctx` itself (a file, a stream). */
  readonly answer?: z.ZodType;
  readonly status?: number;
};

type Out<Schema> = Schema extends z.ZodType<infer Value> ? Value : undefined;

export type Call<Spec extends RouteSpec, Caller> = {
  readonly params: Out<Spec['params']>;
  readonly query: Out<Spec['query']>;
  readonly body: Out<Spec['body']>;
  /** The exact bytes of the body, for `rawBodyMaxBytes` routes; empty otherwise. */
  readonly rawBody: Buffer;
  /** What the access rule found out about the caller. */
  readonly caller: Caller;
  readonly requestId: string;
  readonly ctx: Context;
};

export type Route = { readonly spec: RouteSpec; readonly handle: (call: Call<RouteSpec, never>) => unknown };

/**
 * Declares a route. What the handler returns is sent as JSON with `spec.status` (default 200; 204 when it returns nothing).
 * With `answer` declared, the return value is checked by the compiler, not again at run time.
 */
export function route<const Spec extends RouteSpec, Caller = undefined>(
  spec: Spec,
  handle: (
    call: Call<Spec, Caller>,
  ) => Spec extends { readonly answer: z.ZodType<infer Answer> } ? Answer | Promise<Answer> : unknown,
): Route {
  return { spec, handle: handle as unknown as Route['handle'] };
}
