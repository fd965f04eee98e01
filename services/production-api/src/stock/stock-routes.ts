import type { Route } from '@sgp/service-kit/route';
import { idParams } from '@sgp/shared/api/common';
import {
  movementAnswerSchema,
  movementsQuery,
  movementsSchema,
  newMovementBody,
  stockSchema,
  transfersSchema,
} from '@sgp/shared/api/stock';
import { sessionRoute } from '../people/session-route.ts';
import type { StockService } from './stock-service.ts';

const tag = 'stock';

export const stockRoutes = (stock: StockService): readonly Route[] => [
  sessionRoute(
    {
      method: 'GET',
      path: '/api/stock',
      summary: 'Every material with its balance, reservations and what is free',
      tag,
      access: 'session',
      answer: stockSchema,
    },
    async () => ({ materials: await stock.list() }),
  ),
  sessionRoute(
    {
      method: 'GET',
      path: '/api/stock/transfers',
      summary: 'Transfers that this shop sends or expects',
      tag,
      access: 'session',
      answer: transfersSchema,
    },
    async () => ({ transfers: await stock.transfers() }),
  ),
  sessionRoute(
    {
      method: 'GET',
      path: '/api/stock/:id/movements',
      summary: 'Movements of one material, newest first',
      tag,
      access: 'session',
      params: idParams,
      query: movementsQuery,
      answer: movementsSchema,
    },
    ({ params, query }) => stock.movements(params.id, query),
  ),
  sessionRoute(
    {
      method: 'POST',
      path: '/api/stock/movements',
      summary: 'Book a receipt, a consumption or an adjustment, or reserve',
      tag,
      access: 'session',
      body: newMovementBody,
      answer: movementAnswerSchema,
      status: 201,
    },
    ({ body, caller }) => stock.book(body, caller),
  ),
  settleRoute(stock, 'post', 'posted', 'Post a pending movement: the material moved'),
  settleRoute(stock, 'void', 'voided', 'Void a pending movement: the material did not move'),
];

const settleRoute = (stock: StockService, verb: string, state: 'posted' | 'voided', summary: string): Route =>
  sessionRoute(
    {
      method: 'POST',
      path: `/api/stock/movements/:id/${verb}`,
      summary,
      tag,
      access: 'session',
      params: idParams,
      answer: movementAnswerSchema,
    },
    ({ params, caller }) => stock.settle(params.id, state, caller),
  );
