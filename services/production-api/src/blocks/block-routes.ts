import type { Route } from '@sgp/service-kit/route';
import { blockSchema, blocksSchema, putBlockBody } from '@sgp/shared/api/catalogue';
import { idParams } from '@sgp/shared/api/common';
import { sessionRoute } from '../people/session-route.ts';
import type { Blocks } from './blocks.ts';

export const blockRoutes = (blocks: Blocks): readonly Route[] => [
  sessionRoute(
    {
      method: 'GET',
      path: '/api/blocks',
      summary: 'Customers, materials and machines that are blocked',
      tag: 'blocks',
      access: 'session',
      answer: blocksSchema,
    },
    async () => ({ blocks: [...(await blocks.list())] }),
  ),
  sessionRoute(
    {
      method: 'PUT',
      path: '/api/blocks/:id',
      summary: 'Block or unblock a customer, material or machine',
      tag: 'blocks',
      access: 'manager',
      params: idParams,
      body: putBlockBody,
      answer: blockSchema,
    },
    ({ params, body, caller }) => blocks.set(params.id, body, caller.actor),
  ),
];
