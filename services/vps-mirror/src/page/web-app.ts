import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from '@sgp/service-kit/config';
import { staticFiles } from '@sgp/service-kit/static-files';
import type Koa from 'koa';
import { orderMark } from './order-page.ts';

/** The built PWA: its page, into which the order's text is written, and its files. */
export type WebApp = { readonly shell: string; readonly csp: string; readonly files: readonly Koa.Middleware[] };

/** Page of a mirror that serves no app: the text alone, which needs no script. */
const plainShell = `<!doctype html><html lang="pt-BR"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>SGP</title></head><body>${orderMark}</body></html>`;

/**
 * @param options.dir folder of the built app; undefined for a mirror without one
 * @param options.mediaOrigin origin of the photos when they come from a bucket
 * @throws ConfigError when the folder holds no built app, or its page has no place for the order's text
 */
export function openWebApp(options: { readonly dir: string | undefined; readonly mediaOrigin: string | null }): WebApp {
  const csp = contentSecurityPolicy(options.mediaOrigin);
  if (options.dir === undefined) return { shell: plainShell, csp, files: [] };
  const index = join(options.dir, 'index.html');
  if (!existsSync(index))
    throw new ConfigError(`WEB_DIR (${options.dir}) has no index.html: build the web apps first.`);
  const shell = readFileSync(index, 'utf8');
  if (!shell.includes(orderMark))
    throw new ConfigError(`${index} has no ${orderMark}: the order's text would be missing without JavaScript.`);
  const apiPrefixes = ['/api/', '/p/', '/internal/', '/media/', '/healthz', '/readyz', '/metrics'];
  return { shell, csp, files: [staticFiles({ dir: options.dir, csp, fallback: 'index.html', apiPrefixes })] };
}

/** Everything comes from the mirror itself; photos also from the bucket, which the service worker fetches to keep a copy. */
function contentSecurityPolicy(mediaOrigin: string | null): string {
  const bucket = mediaOrigin === null ? '' : ` ${mediaOrigin}`;
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    `img-src 'self' data: blob:${bucket}`,
    "font-src 'self'",
    `connect-src 'self'${bucket}`,
    "manifest-src 'self'",
    "worker-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}
