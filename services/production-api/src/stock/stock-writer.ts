import type { Database } from '@sgp/service-kit/database';
import { AppError } from '@sgp/shared/errors';
import type { Movement } from '@sgp/shared/sync-payloads';
import { movementFault, shortageOf, stockAfter, takeMovement, transferAfterMovement } from '@sgp/sync-engine/stock';
import { type Actor, type AuditStore, difference } from '../audit/audit-store.ts';
import type { ConflictStore } from '../conflicts/conflict-store.ts';
import { derivedId, type Say } from '../streams/say.ts';
import type { StockStore } from './stock-store.ts';

/** The only way to write a movement: rows, sums, audit entry and outbox row, in the transaction of the caller (`inTurn`). */
export type StockWriter = {
  /**
   * Takes a movement, or its next state. The same again changes nothing.
   * @throws AppError BODY_INVALID for what cannot be a movement; ALREADY_EXISTS for another one under this id;
   *   MOVEMENT_SETTLED for another end of a settled one
   */
  take(tx: Database, movement: Movement, actor: Actor): Promise<Movement>;
};

/** Who acts when nobody does. */
export const systemActor: Actor = { userId: null, who: 'SGP', address: null };

export function createStockWriter(deps: {
  readonly stock: StockStore;
  readonly conflicts: Pick<ConflictStore, 'open' | 'resolve'>;
  readonly audit: Pick<AuditStore, 'append'>;
  readonly say: Say;
  readonly establishmentId: string;
}): StockWriter {
  const { stock, conflicts, audit, say, establishmentId } = deps;

  const write = async (tx: Database, next: Movement, actor: Actor): Promise<Movement | null> => {
    const fault = movementFault(next);
    if (fault !== null) throw new AppError('BODY_INVALID', `This is no movement: ${fault}. Nothing was changed.`);
    const before = await stock.find(tx, next.movementId);
    const { movement, outcome } = takeMovement(before?.movement ?? null, next);
    if (outcome === 'refused') throw refusal(before?.movement, next);
    if (outcome !== 'applied') return null;
    const version = (before?.version ?? 0) + 1;
    await stock.save(tx, { movement, version });
    const sums = stockAfter(await stock.stock(tx, movement.materialId), before?.movement ?? null, movement);
    await stock.saveStock(tx, movement.materialId, sums);
    await say(tx, { stream: 'stock', entityId: movement.movementId, version, payload: movement });
    await audit.append(tx, {
      at: Date.now(),
      actor,
      entity: 'stock',
      entityId: movement.materialId,
      action: movement.state,
      summary: { kind: movement.kind, quantityMilli: movement.quantityMilli },
      ...difference({ ...before?.movement }, { ...movement }),
    });
    await follow(tx, movement, actor.who);
    return movement;
  };

  /** What a movement means for the transfer and for the conflict that it belongs to. */
  const follow = async (tx: Database, movement: Movement, who: string): Promise<void> => {
    const { transferId, kind, state, movementId } = movement;
    const transfer = transferId === undefined ? null : await stock.findTransfer(tx, transferId);
    const step = transfer && transferAfterMovement(transfer, movement, establishmentId);
    if (step?.outcome === 'changed') await stock.saveTransfer(tx, step.transfer);
    if (kind === 'compensation' && state !== 'pending')
      await conflicts.resolve(tx, conflictIdOf(movement), {
        resolution: state === 'posted' ? 'restored' : 'kept',
        at: Date.now(),
        who,
      });
    if (state === 'posted') await rebalance(tx, movement.materialId, movementId);
  };

  /**
   * Proposes what brings a negative balance back to nothing. A receipt that was booked late makes a proposal needless, so
   * proposals for more than is missing are voided and made anew: posting them would count the material twice.
   */
  const rebalance = async (tx: Database, materialId: string, compensates: string): Promise<void> => {
    const missing = shortageOf(await stock.stock(tx, materialId));
    const proposals = await stock.proposals(tx, materialId);
    let proposed = proposals.reduce((sum, { movement }) => sum + movement.quantityMilli, 0);
    const at = Date.now();
    if (proposed > missing) {
      for (const { movement } of proposals)
        await write(tx, { ...movement, state: 'voided', settledAt: at, reason: 'balance changed' }, systemActor);
      proposed = 0;
    }
    const quantityMilli = missing - proposed;
    if (quantityMilli <= 0) return;
    const proposal: Movement = {
      movementId: derivedId(at, `compensation/${compensates}`),
      materialId,
      kind: 'compensation',
      state: 'pending',
      quantityMilli,
      compensates,
      who: systemActor.who,
      reason: '',
      at,
      settledAt: null,
    };
    await write(tx, proposal, systemActor);
    await conflicts.open(tx, {
      conflictId: conflictIdOf(proposal),
      kind: 'stock-negative',
      entity: 'stock',
      entityId: materialId,
      field: null,
      winner: { text: JSON.stringify({ balanceMilli: -missing }), at: null, who: '' },
      loser: {
        text: JSON.stringify({ compensation: proposal.movementId, quantityMilli, cause: compensates }),
        at: null,
        who: '',
      },
      at,
      resolvedAt: null,
      resolution: null,
    });
  };

  return {
    async take(tx, movement, actor) {
      const written = await write(tx, movement, actor);
      return written ?? ((await stock.find(tx, movement.movementId))?.movement as Movement);
    },
  };
}

const conflictIdOf = ({ movementId, at }: Movement): string => derivedId(at, `stock-negative/${movementId}`);

function refusal(before: Movement | undefined, next: Movement): AppError {
  const isSettled = before?.movementId === next.movementId && before.quantityMilli === next.quantityMilli;
  return isSettled && before.state !== 'pending' && before.state !== next.state
    ? new AppError('MOVEMENT_SETTLED', `This movement is ${before.state}, which is final. Nothing was changed.`)
    : new AppError('ALREADY_EXISTS', 'Another movement has this id. Nothing was changed.');
}
