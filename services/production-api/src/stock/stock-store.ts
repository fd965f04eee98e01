import type { Database } from '@sgp/service-kit/database';
import type { Movement, Transfer } from '@sgp/shared/sync-payloads';
import { noStock, type Stock } from '@sgp/sync-engine/stock';

export type StoredMovement = { readonly movement: Movement; readonly version: number };

/** Movements, their sums, and transfers. The sums change with the movements, in one transaction. */
export type StockStore = {
  stock(db: Database, materialId: string): Promise<Stock>;
  stocks(db: Database): Promise<ReadonlyMap<string, Stock>>;
  saveStock(tx: Database, materialId: string, stock: Stock): Promise<void>;
  find(db: Database, movementId: string): Promise<StoredMovement | null>;
  /** Newest first. */
  list(
    db: Database,
    materialId: string,
    page: { readonly before?: string | undefined; readonly limit: number },
  ): Promise<{ readonly movements: Movement[]; readonly nextBefore: string | null }>;
  save(tx: Database, stored: StoredMovement): Promise<void>;
  /** Compensations of a material that nobody posted or voided yet, oldest first. */
  proposals(tx: Database, materialId: string): Promise<readonly StoredMovement[]>;
  findTransfer(db: Database, transferId: string): Promise<Transfer | null>;
  /** Newest first. */
  transfers(db: Database, limit: number): Promise<readonly Transfer[]>;
  saveTransfer(tx: Database, transfer: Transfer): Promise<void>;
};

type Row = { readonly doc: string; readonly version: number };
const fromRow = ({ doc, version }: Row): StoredMovement => ({ movement: JSON.parse(doc), version });

export function createStockStore(): StockStore {
  return {
    async stock(db, materialId) {
      const row = await db('stock').where({ material_id: materialId }).first();
      return row ? { balanceMilli: row.balance_milli, reservedMilli: row.reserved_milli } : noStock;
    },
    async stocks(db) {
      const rows = await db('stock').select('material_id', 'balance_milli', 'reserved_milli');
      return new Map(
        rows.map((row) => [row.material_id, { balanceMilli: row.balance_milli, reservedMilli: row.reserved_milli }]),
      );
    },
    async saveStock(tx, materialId, { balanceMilli, reservedMilli }) {
      await tx('stock')
        .insert({ material_id: materialId, balance_milli: balanceMilli, reserved_milli: reservedMilli })
        .onConflict('material_id')
        .merge();
    },
    async find(db, movementId) {
      const row = await db('movements').where({ movement_id: movementId }).first('doc', 'version');
      return row ? fromRow(row) : null;
    },
    async list(db, materialId, { before, limit }) {
      const query = db('movements').where({ material_id: materialId });
      const position = /^(\d{1,16})\.([0-9a-f-]{36})$/.exec(before ?? '');
      if (position) void query.whereRaw('(at, movement_id) < (?, ?)', [Number(position[1]), position[2] ?? '']);
      const rows = await query
        .orderBy([
          { column: 'at', order: 'desc' },
          { column: 'movement_id', order: 'desc' },
        ])
        .limit(limit + 1)
        .select('doc');
      const movements: Movement[] = rows.slice(0, limit).map(({ doc }) => JSON.parse(doc));
      const last = movements.at(-1);
      return { movements, nextBefore: rows.length > limit && last ? `${last.at}.${last.movementId}` : null };
    },
    async save(tx, { movement, version }) {
      await tx('movements')
        .insert({
          movement_id: movement.movementId,
          material_id: movement.materialId,
          transfer_id: movement.transferId ?? null,
          compensates: movement.compensates ?? null,
          kind: movement.kind,
          state: movement.state,
          quantity_milli: movement.quantityMilli,
          at: movement.at,
          version,
          doc: JSON.stringify(movement),
        })
        .onConflict('movement_id')
        .merge();
    },
    async proposals(tx, materialId) {
      const rows: readonly Row[] = await tx('movements')
        .where({ material_id: materialId, kind: 'compensation', state: 'pending' })
        .orderBy(['at', 'movement_id'])
        .select('doc', 'version');
      return rows.map(fromRow);
    },
    async findTransfer(db, transferId) {
      const row = await db('transfers').where({ transfer_id: transferId }).first('doc');
      return row ? JSON.parse(row.doc) : null;
    },
    async transfers(db, limit) {
      const rows = await db('transfers').orderBy('requested_at', 'desc').orderBy('transfer_id').limit(limit);
      return rows.map(({ doc }) => JSON.parse(doc));
    },
    async saveTransfer(tx, transfer) {
      await tx('transfers')
        .insert({
          transfer_id: transfer.transferId,
          state: transfer.state,
          requested_at: transfer.requestedAt,
          doc: JSON.stringify(transfer),
        })
        .onConflict('transfer_id')
        .merge();
    },
  };
}
