import type { Database } from '@sgp/service-kit/database';
import { newId } from '@sgp/service-kit/ids';
import type { MaterialStock, MovementAnswer, newMovementBody } from '@sgp/shared/api/stock';
import { AppError } from '@sgp/shared/errors';
import { limits } from '@sgp/shared/limits';
import type { Movement, Transfer } from '@sgp/shared/sync-payloads';
import { freeOf, noStock, type Stock } from '@sgp/sync-engine/stock';
import type * as z from 'zod';
import type { Blocks } from '../blocks/blocks.ts';
import type { CatalogueService } from '../catalogue/catalogue-service.ts';
import type { SessionCaller } from '../people/caller.ts';
import { inTurn } from '../streams/say.ts';
import type { StockStore } from './stock-store.ts';
import type { StockWriter } from './stock-writer.ts';
import { movementIdOf } from './transfers.ts';

export type TransferView = Transfer & {
  readonly direction: 'out' | 'in';
  readonly movementId: string | null;
  readonly movementState: Movement['state'] | null;
};

/** What people do with material. Refusals are AppErrors. */
export type StockService = {
  list(): Promise<MaterialStock[]>;
  movements(
    materialId: string,
    page: { readonly before?: string | undefined; readonly limit: number },
  ): ReturnType<StockStore['list']>;
  transfers(): Promise<TransferView[]>;
  /** @throws AppError NOT_FOUND, BLOCKED, SCOPE_MISSING, BODY_INVALID, ALREADY_EXISTS */
  book(body: z.infer<typeof newMovementBody>, caller: SessionCaller): Promise<MovementAnswer>;
  /** @throws AppError NOT_FOUND, BLOCKED, SCOPE_MISSING, MOVEMENT_SETTLED */
  settle(movementId: string, state: 'posted' | 'voided', caller: SessionCaller): Promise<MovementAnswer>;
};

export type StockServiceDeps = {
  readonly db: Database;
  readonly stock: StockStore;
  readonly writer: StockWriter;
  readonly catalogue: Pick<CatalogueService, 'list'>;
  readonly blocks: Pick<Blocks, 'mustBeFree'>;
  readonly establishmentId: string;
};

export function createStockService(deps: StockServiceDeps): StockService {
  const { db, stock, writer, blocks, establishmentId } = deps;
  const list = async (): Promise<MaterialStock[]> => {
    const sums = await stock.stocks(db);
    return (await deps.catalogue.list()).map((item) => ({
      materialId: item.itemId,
      name: item.name,
      unit: item.unit,
      active: item.active,
      ...figures(sums.get(item.itemId) ?? noStock),
      minimumMilli: item.minimum === null ? null : Math.round(item.minimum * 1000),
      blocked: item.blocked,
    }));
  };
  const answer = async (movement: Movement): Promise<MovementAnswer> => {
    const known = (await list()).find(({ materialId }) => materialId === movement.materialId);
    if (known) return { movement, material: known };
    // Material of another establishment may arrive before the catalogue knows it.
    const { materialId, transferId } = movement;
    const transfer = transferId === undefined ? null : await stock.findTransfer(db, transferId);
    const names = { name: transfer?.materialName ?? '', unit: transfer?.unit ?? null, active: true };
    const sums = figures(await stock.stock(db, materialId));
    return { movement, material: { materialId, ...names, ...sums, minimumMilli: null, blocked: null } };
  };
  const mayGo = async (tx: Database, movement: Movement, caller: SessionCaller): Promise<void> => {
    const needsManager = movement.kind === 'adjustment' || movement.kind === 'compensation';
    if (needsManager && caller.user.role !== 'owner' && caller.user.role !== 'manager')
      throw new AppError('SCOPE_MISSING', `Only an owner or a manager may do this with a ${movement.kind}.`);
    if (isUse(movement)) await blocks.mustBeFree(tx, 'material', movement.materialId);
  };
  return {
    list,
    movements: (materialId, page) => stock.list(db, materialId, page),
    async transfers() {
      const all = await stock.transfers(db, limits.pageMaxRows);
      return Promise.all(
        all.map(async (transfer) => {
          const found = await stock.find(db, movementIdOf(transfer, establishmentId));
          return {
            ...transfer,
            direction: transfer.fromEstablishmentId === establishmentId ? ('out' as const) : ('in' as const),
            movementId: found?.movement.movementId ?? null,
            movementState: found?.movement.state ?? null,
          };
        }),
      );
    },
    async book(body, caller) {
      const at = Date.now();
      const { movementId = newId(), orderId, state, ...rest } = body;
      const booked = await inTurn(db, async (tx) => {
        const known = await stock.find(tx, movementId);
        if (known) return repeated(known.movement, body);
        const isListed = await tx('shared_entities')
          .where({ kind: 'catalogue', entity_id: body.materialId })
          .first('kind');
        if (!isListed) throw new AppError('NOT_FOUND', 'The catalogue has no such material. Nothing was changed.');
        if (orderId !== undefined && !(await tx('orders').where({ order_id: orderId }).first('order_id')))
          throw new AppError('NOT_FOUND', 'There is no such order. Nothing was changed.');
        const settledAt = state === 'posted' ? at : null;
        const who = caller.actor.who;
        const movement: Movement = { movementId, ...rest, state, ...(orderId && { orderId }), who, at, settledAt };
        await mayGo(tx, movement, caller);
        return writer.take(tx, movement, caller.actor);
      });
      return answer(booked);
    },
    async settle(movementId, state, caller) {
      const settled = await inTurn(db, async (tx) => {
        const known = await stock.find(tx, movementId);
        if (!known) throw new AppError('NOT_FOUND', 'There is no such movement.');
        const next = { ...known.movement, state, settledAt: known.movement.settledAt ?? Date.now() };
        if (state === 'posted' || !isUse(next)) await mayGo(tx, next, caller);
        return writer.take(tx, next, caller.actor);
      });
      return answer(settled);
    },
  };
}

const isUse = ({ kind }: Movement): boolean => kind === 'consumption' || kind === 'transfer-out';

const figures = (sums: Stock) => ({ ...sums, freeMilli: freeOf(sums) });

/** A repeat after a lost answer gets the movement as it is now, also when it was settled meanwhile. */
function repeated(known: Movement, body: z.infer<typeof newMovementBody>): Movement {
  const isSame =
    known.materialId === body.materialId &&
    known.kind === body.kind &&
    known.quantityMilli === body.quantityMilli &&
    known.orderId === body.orderId &&
    known.reason === body.reason;
  if (isSame) return known;
  throw new AppError('ALREADY_EXISTS', 'This movement exists with other content; nothing was changed.', {
    details: { current: known },
  });
}
