import { createReadStream, existsSync } from 'node:fs';
import { join } from 'node:path';
import { nodeFiles, readNodeIdentity } from '@sgp/auth/node-identity';
import { AppError } from '@sgp/shared/errors';
import { createAuditStore } from '../audit/audit-store.ts';
import { openProductionDb } from '../db.ts';
import { createHlcStore } from '../outbox/hlc-store.ts';
import { createOutboxStore } from '../outbox/outbox-store.ts';
import { createSay } from '../streams/say.ts';
import { bringBundle } from './bring-bundle.ts';
import type { BundleService } from './bundle-service.ts';
import { cliTextsFor } from './cli-texts.ts';
import { loadBundleConfig } from './config.ts';
import { kindOf } from './file-kind.ts';
import { openBundles } from './open-bundles.ts';

/**
 * `npm run bundle`: runs once and ends, beside the shop's services or without them. 0: done; 1: refused, in one plain
 * sentence, and nothing was changed; 2: called in a way that makes no sense.
 */

const config = loadBundleConfig(process.env);
const texts = cliTextsFor(config.language);
const actor = { userId: null, who: 'npm run bundle', address: null };

/** What the person can mend, said alone. */
class Refused extends Error {}

const isEnrolled = existsSync(join(config.nodeDir, nodeFiles.identity));

async function inShop<Result>(act: (bundles: BundleService) => Promise<Result>): Promise<Result> {
  if (!isEnrolled) throw new Refused(texts.noShop(config.nodeDir));
  const identity = readNodeIdentity(config.nodeDir);
  const db = await openProductionDb(config.databaseUrl);
  try {
    const say = createSay({ outbox: createOutboxStore(), hlc: createHlcStore(identity.nodeId) });
    const bundles = openBundles({
      ...{ db, identity, nodeDir: config.nodeDir, mirrorAuthority: config.mirrorAuthority },
      audit: createAuditStore(say),
      // The bridge counts what waits each few seconds by itself.
      onSettled: () => undefined,
    });
    return await act(bundles);
  } finally {
    await db.destroy();
  }
}

async function exportTo(path: string): Promise<readonly string[]> {
  const { changes, bytes, complete } = await inShop((bundles) => bundles.write(actor, { path }));
  return [texts.written(path, changes, bytes), ...(complete ? [] : [texts.more])];
}

async function importFrom(path: string): Promise<readonly string[]> {
  const kind = await kindOf(path);
  if (kind === null) throw new Refused(texts.notAFile(path));
  if (kind === 'acknowledgement') {
    const { settled, parked, pending } = await inShop((bundles) => bundles.settle(actor, () => createReadStream(path)));
    return [texts.settled(settled, parked, pending)];
  }
  const mirrorUrl = config.mirrorUrl ?? (isEnrolled ? readNodeIdentity(config.nodeDir).mirrorUrl : null);
  if (mirrorUrl === null) throw new Refused(texts.noMirror);
  const ackPath = `${path}.ack`;
  const brought = await bringBundle(mirrorUrl, path, ackPath);
  switch (brought.outcome) {
    case 'acknowledged':
      return [texts.sent(ackPath)];
    case 'unreachable':
      throw new Refused(texts.unreachable(mirrorUrl, brought.why));
    case 'not-the-mirror':
      throw new Refused(texts.notTheMirror(brought.status));
  }
}

function reasonOf(error: unknown, path: string): string {
  if (error instanceof Refused) return error.message;
  if (error instanceof AppError) return texts.refused(error.code, texts.codes[error.code] ?? error.message);
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (code !== undefined && syscall !== undefined) return texts.noFile(path, code);
  throw error;
}

const [command, path, ...rest] = process.argv.slice(2);
const acts = { export: exportTo, import: importFrom } as const;
const act = command === 'export' || command === 'import' ? acts[command] : null;
if (act === null || path === undefined || rest.length > 0) {
  process.stderr.write(`${texts.usage}\n`);
  process.exitCode = 2;
} else {
  try {
    process.stdout.write(`${(await act(path)).join('\n')}\n`);
  } catch (error) {
    process.stderr.write(`${reasonOf(error, path)}\n`);
    process.exitCode = 1;
  }
}
