import type { Database } from '@sgp/service-kit/database';
import { newId } from '@sgp/service-kit/ids';
import type { Route } from '@sgp/service-kit/route';
import { idParams } from '@sgp/shared/api/common';
import { companyTransferSchema, companyTransfersSchema, newTransferBody, pageQuery } from '@sgp/shared/api/company';
import { AppError } from '@sgp/shared/errors';
import type { Transfer } from '@sgp/shared/sync-payloads';
import { cancelTransfer } from '@sgp/sync-engine/stock';
import type * as z from 'zod';
import { findEntity } from '../shared/merge-edits.ts';
import {
  listTransfers,
  lockTransfers,
  nextTransfer,
  type StoredTransfer,
  transferDown,
  writeTransfers,
} from '../shared/transfer-rows.ts';
import { noteAct } from './audit-log.ts';
import type { CompanyDeps } from './company-deps.ts';
import { companyRoute } from './company-route.ts';

const view = ({ transfer, version }: StoredTransfer) => ({ ...transfer, version });

/** Material from one establishment to another: asked for here, moved by the shops. */
export const transferRoutes = ({ db, down, clock }: CompanyDeps): readonly Route[] => [
  companyRoute(
    {
      method: 'GET',
      path: '/api/company/transfers',
      summary: 'Transfers between the establishments, the oldest first',
      tag: 'company',
      access: 'company-read',
      query: pageQuery,
      answer: companyTransfersSchema,
    },
    async ({ query: { after, limit }, caller: { companyId } }) => {
      const found = await listTransfers(db, companyId, { after, limit: limit + 1 });
      const transfers = found.slice(0, limit).map(view);
      return { transfers, nextAfter: found.length > limit ? (transfers.at(-1)?.transferId ?? null) : null };
    },
  ),
  companyRoute(
    {
      method: 'POST',
      path: '/api/company/transfers',
      summary: 'Asks for a transfer: the sender reserves, posts what left, and the receiver posts what came',
      tag: 'company',
      access: 'company-write',
      body: newTransferBody,
      answer: companyTransferSchema,
      status: 201,
    },
    async ({ body, caller }) =>
      view(
        await down.inCompany(caller.companyId, async (tx, nowMs) => {
          const { companyId } = caller;
          const transfer = await requested(tx, companyId, body, nowMs);
          const stored = nextTransfer(transfer, undefined, { nowMs, stamp: clock.stamp([]) });
          await writeTransfers(tx, companyId, [stored]);
          const act = { at: nowMs, entity: 'transfer', entityId: transfer.transferId, action: 'requested' } as const;
          await noteAct(tx, caller, { ...act, before: null, after: transfer });
          return { entries: [transferDown(stored)], result: stored };
        }),
      ),
  ),
  companyRoute(
    {
      method: 'POST',
      path: '/api/company/transfers/:id/cancel',
      summary: 'Cancels a transfer of which nothing moved yet; what moved meanwhile wins',
      tag: 'company',
      access: 'company-write',
      params: idParams,
      answer: companyTransferSchema,
    },
    async ({ params, caller }) =>
      view(
        await down.inCompany(caller.companyId, async (tx, nowMs) => {
          const { companyId } = caller;
          const before = (await lockTransfers(tx, companyId, [params.id])).get(params.id);
          if (!before) throw new AppError('NOT_FOUND', 'The company has no such transfer.');
          const step = cancelTransfer(before.transfer);
          if (step.outcome === 'refused')
            throw new AppError('STATUS_TRANSITION_INVALID', 'The material has left already; nothing was changed.');
          if (step.outcome === 'unchanged') return { entries: [], result: before };
          const stored = nextTransfer(step.transfer, before, { nowMs, stamp: clock.stamp([before.updatedAt]) });
          await writeTransfers(tx, companyId, [stored]);
          const act = { at: nowMs, entity: 'transfer', entityId: params.id, action: 'cancelled' } as const;
          await noteAct(tx, caller, { ...act, before: before.transfer, after: stored.transfer });
          return { entries: [transferDown(stored)], result: stored };
        }),
      ),
  ),
];

/** @throws AppError NOT_FOUND for an establishment or a material that the company does not have, BODY_INVALID */
async function requested(
  tx: Database,
  companyId: string,
  { fromEstablishmentId, toEstablishmentId, materialId, quantityMilli }: z.infer<typeof newTransferBody>,
  nowMs: number,
): Promise<Transfer> {
  if (fromEstablishmentId === toEstablishmentId)
    throw new AppError('BODY_INVALID', 'A transfer goes to another establishment; nothing was changed.');
  const known = await tx('downlink_heads')
    .where({ company_id: companyId })
    .whereIn('establishment_id', [fromEstablishmentId, toEstablishmentId])
    .select('establishment_id');
  if (known.length < 2)
    throw new AppError('NOT_FOUND', 'The company has no such establishment, or it was never connected.');
  const material = await findEntity(tx, companyId, 'catalogue', materialId);
  const name = material?.entity.fields['name']?.value;
  if (typeof name !== 'string') throw new AppError('NOT_FOUND', 'The catalogue has no such material.');
  const unit = material?.entity.fields['unit']?.value;
  return {
    transferId: newId(),
    ...{ fromEstablishmentId, toEstablishmentId, materialId, quantityMilli },
    materialName: name,
    unit: typeof unit === 'string' ? unit : '',
    state: 'requested',
    requestedAt: nowMs,
    sentAt: null,
    receivedAt: null,
  };
}
