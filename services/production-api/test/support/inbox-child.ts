import { openProductionDb } from '../../src/db.ts';
import type { DownStep } from '../../src/inbox/down-inbox.ts';
import { openDownInbox } from '../../src/inbox/open-down-inbox.ts';

/** A process that applies what its parent hands it, and says so after each commit; the parent kills it. */
const [url, nodeId, establishmentId] = process.argv.slice(2) as [string, string, string];
const inbox = openDownInbox(await openProductionDb(url), { nodeId, establishmentId });
process.on('message', (step: DownStep) => {
  void inbox.apply(step).then(({ position }) => process.send?.(position));
});
process.send?.(await inbox.cursor());
