import Router from '@koa/router';
import { AppError } from '@sgp/shared/errors';
import { limits } from '@sgp/shared/limits';
import Koa, { type Context } from 'koa';
import { Histogram } from 'prom-client';
import { newId } from './ids.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import { toAppError, toProblem } from './problem.ts';
import { readBody } from './read-body.ts';
import { withRequestId } from './request-context.ts';
import type { Route } from './route.ts';

/** Finds out who calls, or throws the refusal. What it returns becomes `call.caller`. */
export type AccessRule = (ctx: Context) => unknown;

export type HttpAppDeps = {
  readonly log: Log;
  readonly metrics: Metrics;
  readonly routes: readonly Route[];
  /** One rule for each `access` that the routes name. */
  readonly access: Readonly<Record<string, AccessRule>>;
  /** Koa middleware before the routes, for example static files. */
  readonly before?: readonly Koa.Middleware[];
  /** Hops of trusted proxies in front of us (SECURITY R6): 0 on the LAN, 1 behind Caddy. */
  readonly trustedProxyHops?: 0 | 1;
};

const requestIdPattern = /^[A-Za-z0-9-]{8,64}$/;

/** Builds the Koa application that every service runs: request ids, refusals as problem+json, metrics, and the routes. */
export function createHttpApp(deps: HttpAppDeps): Koa {
  const app = new Koa({ proxy: deps.trustedProxyHops === 1, maxIpsCount: 1 });
  const seconds = new Histogram({
    name: 'sgp_http_request_seconds',
    help: 'Time of HTTP requests by route and status',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3],
    registers: [deps.metrics.registry],
  });
  app.on('error', (err) => deps.log.debug({ err }, 'connection error'));
  app.use(async (ctx, next) => {
    const given = ctx.get('x-request-id');
    const requestId = requestIdPattern.test(given) ? given : newId();
    ctx.state['requestId'] = requestId;
    ctx.set('x-request-id', requestId);
    setSecurityHeaders(ctx);
    const end = seconds.startTimer();
    try {
      await withRequestId(requestId, next);
      if (ctx.status === 404 && ctx.body == null && ctx.respond !== false)
        throw new AppError('NOT_FOUND', 'Nothing has this address.');
      if (ctx.status === 405 && ctx.body == null)
        throw new AppError('METHOD_NOT_ALLOWED', 'This address does not take this method.');
    } catch (error) {
      refuse(ctx, error, deps.log);
    }
    end({ method: ctx.method, route: String(ctx.state['route'] ?? 'other'), status: ctx.status });
  });
  for (const middleware of deps.before ?? []) app.use(middleware);
  const router = new Router();
  for (const each of deps.routes) mount(router, each, deps.access);
  app.use(router.routes()).use(router.allowedMethods());
  return app;
}

function refuse(ctx: Context, error: unknown, log: Log): void {
  const refusal = toAppError(error);
  const requestId = String(ctx.state['requestId']);
  if (refusal.code === 'INTERNAL')
    log.error({ err: refusal.cause, requestId, route: ctx.state['route'] }, 'request failed');
  else if (refusal.code === 'UNAVAILABLE' && refusal.cause !== undefined)
    log.warn({ err: refusal.cause, requestId, route: ctx.state['route'] }, 'something that an answer needs is away');
  else log.debug({ requestId, route: ctx.state['route'], errorCode: refusal.code }, refusal.message);
  if (ctx.headerSent || ctx.respond === false) {
    ctx.res.destroy();
    return;
  }
  const problem = toProblem(refusal, requestId);
  ctx.status = problem.status;
  ctx.body = JSON.stringify(problem);
  ctx.type = 'application/problem+json';
  const retryAfterS = refusal.details['retryAfterS'];
  if (typeof retryAfterS === 'number') ctx.set('retry-after', String(Math.ceil(retryAfterS)));
  // The rest of a refused body is not read: without this the next request on the connection would fail.
  if (refusal.code === 'BODY_TOO_LARGE') ctx.set('connection', 'close');
}

function setSecurityHeaders(ctx: Context): void {
  ctx.set('x-content-type-options', 'nosniff');
  ctx.set('referrer-policy', 'no-referrer');
  ctx.set('cross-origin-opener-policy', 'same-origin');
  ctx.set('cross-origin-resource-policy', 'same-origin');
  ctx.set('content-security-policy', "default-src 'none'; frame-ancestors 'none'");
}

function mount(router: Router, { spec, handle }: Route, access: HttpAppDeps['access']): void {
  const rule = access[spec.access];
  if (!rule) throw new Error(`route ${spec.method} ${spec.path} names the access '${spec.access}', which has no rule`);
  router.register(
    spec.path,
    [spec.method.toLowerCase()],
    async (ctx: Context & { params?: Record<string, string> }) => {
      ctx.state['route'] = spec.path;
      const caller = (await rule(ctx)) as never;
      const params = spec.params?.parse(ctx['params']) as never;
      const query = spec.query?.parse({ ...ctx.query }) as never;
      const takesBody = spec.body !== undefined || spec.rawBodyMaxBytes !== undefined;
      const rawBody = takesBody
        ? await readBody(ctx.req, spec.rawBodyMaxBytes ?? limits.jsonBodyMaxBytes)
        : Buffer.alloc(0);
      const body = spec.body?.parse(parseJson(ctx, rawBody)) as never;
      const answer = await handle({
        params,
        query,
        body,
        rawBody,
        caller,
        requestId: String(ctx.state['requestId']),
        ctx,
      });
      if (ctx.respond === false || ctx.body != null) return;
      if (answer === undefined) {
        ctx.status = spec.status ?? 204;
        return;
      }
      ctx.status = spec.status ?? 200;
      ctx.set('cache-control', ctx.response.get('cache-control') || 'no-store');
      ctx.body = answer;
    },
  );
}

function parseJson(ctx: Context, bytes: Buffer): unknown {
  if (!ctx.is('application/json'))
    throw new AppError('CONTENT_TYPE_UNSUPPORTED', 'This address takes application/json.');
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw new AppError('BODY_INVALID', 'The body is not JSON; nothing was changed.', { cause });
  }
}
