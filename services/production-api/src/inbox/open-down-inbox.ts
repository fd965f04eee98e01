import type { Database } from '@sgp/service-kit/database';
import { createAuditStore } from '../audit/audit-store.ts';
import { createSharedStore } from '../catalogue/shared-store.ts';
import { createConflictStore } from '../conflicts/conflict-store.ts';
import { createHlcStore } from '../outbox/hlc-store.ts';
import { createOutboxStore } from '../outbox/outbox-store.ts';
import { createSessionStore } from '../people/session-store.ts';
import { createUserStore } from '../people/user-store.ts';
import { createStockStore } from '../stock/stock-store.ts';
import { createStockWriter } from '../stock/stock-writer.ts';
import { createTransfers } from '../stock/transfers.ts';
import { createSay } from '../streams/say.ts';
import { createDownInbox, type DownInbox } from './down-inbox.ts';
import { createTakeShared } from './take-shared.ts';
import { createTakeUser } from './take-user.ts';

/**
 * The inbox with what each stream does in the shop. The bridge opens it over production.db.
 * @param now wall clock in milliseconds
 */
export function openDownInbox(
  db: Database,
  node: { readonly nodeId: string; readonly establishmentId: string },
  now: () => number = Date.now,
): DownInbox {
  const { establishmentId } = node;
  const hlc = createHlcStore(node.nodeId, now);
  const say = createSay({ outbox: createOutboxStore(now), hlc });
  const audit = createAuditStore(say);
  const shared = createSharedStore();
  const users = createUserStore();
  const conflicts = createConflictStore();
  const stock = createStockStore();
  const writer = createStockWriter({ stock, conflicts, audit, say, establishmentId });
  const transfers = createTransfers({ stock, writer, establishmentId });
  return createDownInbox({
    db,
    hlc,
    lock: users.lock,
    now,
    handlers: {
      users: createTakeUser({ users, sessions: createSessionStore(), audit }),
      catalogue: createTakeShared({ shared, hlc }, 'catalogue'),
      blocks: createTakeShared({ shared, hlc }, 'block'),
      async conflicts(tx, conflict) {
        await conflicts.takeDown(tx, conflict);
        return null;
      },
      async transfers(tx, transfer, nowMs) {
        const { fromEstablishmentId: from, toEstablishmentId: to } = transfer;
        if (from === to) return { code: 'BODY_INVALID', detail: 'a transfer from an establishment to itself' };
        if (from !== establishmentId && to !== establishmentId)
          return { code: 'TENANT_MISMATCH', detail: 'a transfer between two other establishments' };
        await transfers.settle(tx, transfer, nowMs);
        return null;
      },
    },
  });
}
