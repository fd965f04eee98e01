import { type Route, route } from '@sgp/service-kit/route';
import { AppError } from '@sgp/shared/errors';
import { uuidSchema } from '@sgp/shared/ids';
import * as z from 'zod';
import type { TrailStore } from './trail-store.ts';

const trailSchema = z.object({
  versions: z.array(
    z.object({
      version: z.number().int(),
      requestId: z.string().nullable(),
      receivedAt: z.number().int(),
      appliedAt: z.number().int().nullable(),
      shownAt: z.number().int().nullable(),
    }),
  ),
});

/** For the vendor's support: the hops of an order on the Core. */
export function trailRoutes({ trail }: { readonly trail: Pick<TrailStore, 'of'> }): readonly Route[] {
  return [
    route(
      {
        method: 'GET',
        path: '/api/core/trail/:companyId/:establishmentId/:orderId',
        summary: 'When each version of an order was received, applied and first shown',
        tag: 'core',
        access: 'operator',
        params: z.object({ companyId: uuidSchema, establishmentId: uuidSchema, orderId: uuidSchema }),
        answer: trailSchema,
      },
      async ({ params }) => {
        const versions = await trail.of(params);
        if (versions.length === 0) throw new AppError('NOT_FOUND', 'There is no such order here.');
        return { versions: [...versions] };
      },
    ),
  ];
}
