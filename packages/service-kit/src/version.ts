import { readFileSync } from 'node:fs';

/** Version of the product, one for all services: the root package's. */
export const version: string = (
  JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as { version: string }
).version;
