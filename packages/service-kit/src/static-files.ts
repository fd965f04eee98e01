import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { extname, join, posix, sep } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import type { Middleware } from 'koa';

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.webp': 'image/webp',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
};
const compressible = new Set(['.html', '.js', '.css', '.svg', '.json', '.webmanifest', '.txt']);
/** Vite writes a content hash into the names below this folder, so they never change. */
const hashedFolder = '/assets/';
const compressMinBytes = 1024;

export type StaticFilesOptions = {
  /** Folder of a built web app. Read once, at start: a new build needs a new start. */
  readonly dir: string;
  /** Content-Security-Policy of the pages and of their scripts. */
  readonly csp: string;
  /** File that answers addresses which are pages of the app and not files, for example `index.html`; null for none. */
  readonly fallback: string | null;
  /** Addresses below these prefixes are never answered from here. */
  readonly apiPrefixes: readonly string[];
};

type StaticFile = {
  readonly type: string;
  readonly etag: string;
  readonly immutable: boolean;
  readonly plain: Buffer;
  readonly brotli: Buffer | null;
  readonly gzip: Buffer | null;
};

/**
 * Serves a built web app from memory: small, compressed once, with ETags; hashed names are cached for ever, the rest is
 * asked again each time. Only names found in the folder at start are answered, so no path can leave it.
 */
export function staticFiles(options: StaticFilesOptions): Middleware {
  const files = loadFolder(options.dir);
  const fallback = options.fallback === null ? undefined : files.get(`/${options.fallback}`);
  return async (ctx, next) => {
    const reading = ctx.method === 'GET' || ctx.method === 'HEAD';
    if (!reading || options.apiPrefixes.some((prefix) => ctx.path.startsWith(prefix))) return next();
    const wantsPage = ctx.accepts('html', 'json') === 'html' && extname(ctx.path) === '';
    const file = files.get(ctx.path === '/' ? '/index.html' : ctx.path) ?? (wantsPage ? fallback : undefined);
    if (!file) return next();
    ctx.state['route'] = 'static';
    ctx.set('cache-control', file.immutable ? 'public, max-age=31536000, immutable' : 'no-cache');
    ctx.set('etag', file.etag);
    ctx.set('vary', 'accept-encoding');
    // A service worker lives under the policy that came with its own script and not under that of its pages.
    if (/^text\/(?:html|javascript)/.test(file.type)) ctx.set('content-security-policy', options.csp);
    ctx.status = 200;
    if (ctx.fresh) {
      ctx.status = 304;
      return;
    }
    ctx.type = file.type;
    const encoding = ctx.acceptsEncodings('br', 'gzip', 'identity');
    if (encoding === 'br' && file.brotli) send(ctx, 'br', file.brotli);
    else if (encoding === 'gzip' && file.gzip) send(ctx, 'gzip', file.gzip);
    else ctx.body = file.plain;
  };
}

function send(ctx: { set(name: string, value: string): void; body: unknown }, encoding: string, bytes: Buffer): void {
  ctx.set('content-encoding', encoding);
  ctx.body = bytes;
}

function loadFolder(dir: string): ReadonlyMap<string, StaticFile> {
  const files = new Map<string, StaticFile>();
  for (const name of readdirSync(dir, { recursive: true, encoding: 'utf8' })) {
    const path = join(dir, name);
    if (!statSync(path).isFile()) continue;
    const address = posix.join('/', name.split(sep).join('/'));
    const plain = readFileSync(path);
    const extension = extname(name);
    const squeeze = compressible.has(extension) && plain.length >= compressMinBytes;
    files.set(address, {
      type: types[extension] ?? 'application/octet-stream',
      etag: `"${createHash('sha256').update(plain).digest('base64url').slice(0, 22)}"`,
      immutable: address.startsWith(hashedFolder),
      plain,
      brotli: squeeze ? brotliCompressSync(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } }) : null,
      gzip: squeeze ? gzipSync(plain, { level: 6 }) : null,
    });
  }
  return files;
}
