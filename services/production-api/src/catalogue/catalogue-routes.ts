import type { Route } from '@sgp/service-kit/route';
import { catalogueItemSchema, catalogueSchema, patchCatalogueBody } from '@sgp/shared/api/catalogue';
import { idParams } from '@sgp/shared/api/common';
import { sessionRoute } from '../people/session-route.ts';
import type { CatalogueService } from './catalogue-service.ts';

export const catalogueRoutes = (catalogue: CatalogueService): readonly Route[] => [
  sessionRoute(
    {
      method: 'GET',
      path: '/api/catalogue',
      summary: "The company's catalogue",
      tag: 'catalogue',
      access: 'session',
      answer: catalogueSchema,
    },
    async () => ({ items: [...(await catalogue.list())] }),
  ),
  sessionRoute(
    {
      method: 'PATCH',
      path: '/api/catalogue/:id',
      summary: 'Change what the shop writes of an item: minimum, place, lead time',
      tag: 'catalogue',
      access: 'manager',
      params: idParams,
      body: patchCatalogueBody,
      answer: catalogueItemSchema,
    },
    ({ params, body, caller }) => catalogue.change(params.id, body, caller.actor),
  ),
];
