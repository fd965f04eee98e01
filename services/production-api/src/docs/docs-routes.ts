import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createOpenApi, type OpenApiDocument } from '@sgp/service-kit/openapi';
import { type Route, route } from '@sgp/service-kit/route';
import { version } from '@sgp/service-kit/version';
import type { Context } from 'koa';
import { sessionCookie } from '../people/access.ts';

/** The viewer writes its own inline styles; nothing else on this server may. */
const viewerCsp =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const viewerPage = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>SGP · API</title>
<link rel="stylesheet" href="/api/docs/swagger-ui.css">
</head>
<body>
<div id="viewer"></div>
<script src="/api/docs/swagger-ui-bundle.js"></script>
<script src="/api/docs/start.js"></script>
</body>
</html>
`;
const viewerStart = `SwaggerUIBundle({ url: '/api/openapi.json', dom_id: '#viewer', deepLinking: true, validatorUrl: null });\n`;

/** `/api/openapi.json` and its viewer at `/api/docs`, all from this machine: it works without the Internet. */
export function docsRoutes(described: readonly Route[]): readonly Route[] {
  const folder = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
  const served = (name: string, type: string): Route => {
    let bytes: Buffer | undefined;
    return page(`/api/docs/${name}`, `Part of the viewer: ${name}`, type, () => {
      bytes ??= readFileSync(join(folder, name));
      return bytes;
    });
  };
  const html = 'text/html; charset=utf-8';
  const script = 'text/javascript; charset=utf-8';
  const viewer = [
    page('/api/docs', 'Viewer of this document', html, () => viewerPage),
    page('/api/docs/start.js', 'Part of the viewer: start.js', script, () => viewerStart),
    served('swagger-ui.css', 'text/css; charset=utf-8'),
    served('swagger-ui-bundle.js', script),
  ];
  let document: string | undefined;
  const openapi = page('/api/openapi.json', 'This document', 'application/json', () => {
    document ??= JSON.stringify(productionOpenApi([...described, ...viewer, openapi]));
    return document;
  });
  return [openapi, ...viewer];
}

function page(path: string, summary: string, type: string, content: () => string | Buffer): Route {
  return route({ method: 'GET', path, summary, tag: 'docs', access: 'open' }, ({ ctx }: { ctx: Context }) => {
    ctx.set('content-security-policy', viewerCsp);
    ctx.set('cache-control', 'no-cache');
    ctx.type = type;
    ctx.body = content();
  });
}

export const productionOpenApi = (routes: readonly Route[]): OpenApiDocument =>
  createOpenApi(routes, {
    title: 'SGP production API',
    description:
      'Orders, customers, photos, machines and sync of one establishment. Times are milliseconds since 1970, money is integer cents. Refusals are `application/problem+json` with a `code`. The event stream is described in `packages/shared/src/api/events.ts`.',
    version,
    securitySchemes: {
      session: { type: 'apiKey', in: 'cookie', name: sessionCookie, description: 'Set by POST /api/session.' },
    },
    schemeByAccess: { open: null, local: null, session: 'session', manager: 'session' },
  });
