import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { root } from '../../infra/start/root.ts';

/**
 * JavaScript that the first page of a built web app loads, in bytes after gzip: what index.html names, and whatever that
 * imports at once.
 */
export function firstRouteBytes(app: 'intranet' | 'pwa'): number {
  const dist = join(root, 'web', app, 'dist');
  const html = readFileSync(join(dist, 'index.html'), 'utf8');
  const waiting = [...html.matchAll(/(?:src|href)="\/([^"]+\.js)"/g)].map((match) => match[1] as string);
  const seen = new Set<string>();
  let bytes = 0;
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (seen.has(file)) continue;
    seen.add(file);
    const source = readFileSync(join(dist, file));
    bytes += gzipSync(source, { level: 9 }).length;
    for (const match of source.toString('utf8').matchAll(/(?:from|import)\s*["']\.\/([^"']+\.js)["']/g))
      waiting.push(`assets/${match[1]}`);
  }
  return bytes;
}

if (import.meta.main)
  for (const app of ['intranet', 'pwa'] as const)
    console.log(`${app}: first route ${(firstRouteBytes(app) / 1024).toFixed(1)} KB of JavaScript after gzip`);
