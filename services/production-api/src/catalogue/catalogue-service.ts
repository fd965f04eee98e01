import type { Database } from '@sgp/service-kit/database';
import type { CatalogueItem, patchCatalogueBody } from '@sgp/shared/api/catalogue';
import { AppError } from '@sgp/shared/errors';
import type { MergedEntity } from '@sgp/sync-engine/merge';
import type * as z from 'zod';
import type { Actor } from '../audit/audit-store.ts';
import type { Blocks } from '../blocks/blocks.ts';
import { inTurn } from '../streams/say.ts';
import type { SharedStore } from './shared-store.ts';
import { fieldsThatChange, type SharedWriter } from './shared-writer.ts';

export type CatalogueService = {
  /** By name. */
  list(): Promise<readonly CatalogueItem[]>;
  /** @throws AppError NOT_FOUND */
  change(itemId: string, body: z.infer<typeof patchCatalogueBody>, actor: Actor): Promise<CatalogueItem>;
};

export function createCatalogueService(deps: {
  readonly db: Database;
  readonly shared: Pick<SharedStore, 'find' | 'list'>;
  readonly writer: SharedWriter;
  readonly blocks: Pick<Blocks, 'reason' | 'reasons'>;
}): CatalogueService {
  const { db, shared, writer, blocks } = deps;
  return {
    async list() {
      const reasons = await blocks.reasons(db);
      const items = (await shared.list(db, 'catalogue')).map((entity) => toItem(entity, reasons.get(entity.entityId)));
      return items.sort((a, b) => a.name.localeCompare(b.name, 'pt-BR') || (a.itemId < b.itemId ? -1 : 1));
    },
    change: (itemId, body, actor) =>
      inTurn(db, async (tx) => {
        const standing = await shared.find(tx, 'catalogue', itemId);
        if (!standing) throw new AppError('NOT_FOUND', 'The catalogue has no such item.');
        const fields = fieldsThatChange(standing, body);
        const isSame = Object.keys(fields).length === 0;
        const act = { kind: 'catalogue', entityId: itemId, fields, actor, action: 'edited' } as const;
        return toItem(isSame ? standing : await writer.write(tx, act), await blocks.reason(tx, itemId));
      }),
  };
}

function toItem({ entityId, fields }: MergedEntity, reason: string | undefined): CatalogueItem {
  const text = (name: string) => (fields[name]?.value ?? null) as string | null;
  const number = (name: string) => (fields[name]?.value ?? null) as number | null;
  return {
    itemId: entityId,
    name: text('name') ?? '',
    unit: text('unit'),
    priceCents: number('priceCents'),
    active: fields['active']?.value !== false,
    minimum: number('minimum'),
    place: text('place'),
    leadDays: number('leadDays'),
    blocked: reason === undefined ? null : { reason },
  };
}
