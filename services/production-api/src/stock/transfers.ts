import type { Database } from '@sgp/service-kit/database';
import type { Movement, Transfer } from '@sgp/shared/sync-payloads';
import { uuidV7Time } from '@sgp/shared/uuid';
import { transferAfterMovement, transferDuty } from '@sgp/sync-engine/stock';
import { derivedId } from '../streams/say.ts';
import type { StockStore } from './stock-store.ts';
import { type StockWriter, systemActor } from './stock-writer.ts';

type Ends = Pick<Transfer, 'transferId' | 'fromEstablishmentId' | 'toEstablishmentId'>;

/** Each side has one movement of a transfer: its id follows from the transfer, so that no delivery makes a second one. */
export const movementIdOf = ({ transferId, fromEstablishmentId }: Ends, establishmentId: string): string =>
  derivedId(uuidV7Time(transferId), `transfer/${transferId}/${fromEstablishmentId === establishmentId ? 'out' : 'in'}`);

/** Takes a transfer of the Core in: the sender reserves the material, the receiver expects it, a cancelled one gives it free. */
export type Transfers = { settle(tx: Database, transfer: Transfer, nowMs: number): Promise<void> };

export function createTransfers(deps: {
  readonly stock: StockStore;
  readonly writer: StockWriter;
  readonly establishmentId: string;
}): Transfers {
  const { stock, writer, establishmentId } = deps;
  return {
    async settle(tx, transfer, nowMs) {
      const movementId = movementIdOf(transfer, establishmentId);
      const movement = (await stock.find(tx, movementId))?.movement ?? null;
      // The Core may not know yet that the material went or came.
      const own = movement && transferAfterMovement(transfer, movement, establishmentId);
      const known = own?.outcome === 'changed' ? own.transfer : transfer;
      await stock.saveTransfer(tx, known);
      const duty = transferDuty(known, establishmentId, movement);
      if (duty === 'free' && movement)
        await writer.take(tx, { ...movement, state: 'voided', settledAt: nowMs }, systemActor);
      if (duty === 'reserve' || duty === 'expect')
        await writer.take(tx, pendingMovement(transfer, movementId, duty, nowMs), systemActor);
    },
  };
}

const pendingMovement = (
  { transferId, materialId, quantityMilli }: Transfer,
  movementId: string,
  duty: 'reserve' | 'expect',
  at: number,
): Movement => ({
  movementId,
  materialId,
  kind: duty === 'reserve' ? 'transfer-out' : 'transfer-in',
  state: 'pending',
  quantityMilli: duty === 'reserve' ? -quantityMilli : quantityMilli,
  transferId,
  who: systemActor.who,
  reason: '',
  at,
  settledAt: null,
});
