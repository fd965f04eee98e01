import { type Route, route } from '@sgp/service-kit/route';
import * as z from 'zod';
import { findLinked, type TrackingDeps } from '../tracking/tracking-routes.ts';
import { type NoteShownDeps, noteShown } from '../trail/note-shown.ts';
import { fillShell, renderOrder, renderUnknown } from './order-page.ts';
import { textsFor } from './page-texts.ts';
import type { WebApp } from './web-app.ts';

export type PageDeps = Pick<TrackingDeps, 'orders'> & NoteShownDeps & { readonly web: Pick<WebApp, 'shell' | 'csp'> };

/** `GET /p/:token`: the customer's page with the order's text in it, so that it says the status without JavaScript. */
export function pageRoutes(deps: PageDeps): readonly Route[] {
  return [
    route(
      {
        method: 'GET',
        path: '/p/:token',
        summary: 'The page behind a link',
        tag: 'pages',
        access: 'open',
        params: z.object({ token: z.string() }),
      },
      async ({ ctx, params }) => {
        const texts = textsFor(ctx.acceptsLanguages('pt-BR', 'pt', 'en'));
        const linked = await findLinked(deps, params.token);
        ctx.status = linked ? 200 : 404;
        ctx.set('x-robots-tag', 'noindex, nofollow');
        ctx.set('content-security-policy', deps.web.csp);
        ctx.set('cache-control', 'no-store');
        ctx.set('vary', 'accept-language');
        ctx.type = 'text/html; charset=utf-8';
        if (linked) await noteShown(deps, linked);
        ctx.body = fillShell(deps.web.shell, linked ? renderOrder(linked, texts) : renderUnknown(texts));
      },
    ),
  ];
}
