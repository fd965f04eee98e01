import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { IsolatedJob } from '../../src/derive/isolated-child.ts';

/** The isolated decoder, except that a file that begins with KILLS ends it as a fault inside the decoder would. */
process.once('message', ({ mediaDir, file }: IsolatedJob) => {
  if (readFileSync(join(mediaDir, 'originals', file)).toString('latin1', 0, 5) === 'KILLS')
    process.kill(process.pid, 'SIGSEGV');
});
await import('../../src/derive/isolated-child.ts');
