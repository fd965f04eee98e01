import type { Route } from '@sgp/service-kit/route';
import { idParams } from '@sgp/shared/api/common';
import {
  boardSchema,
  linkSchema,
  moveOrderBody,
  newOrderBody,
  orderSchema,
  ordersQuery,
  ordersSchema,
  patchOrderBody,
  promiseBody,
  todaySchema,
} from '@sgp/shared/api/orders';
import { AppError } from '@sgp/shared/errors';
import { sessionRoute } from '../people/session-route.ts';
import type { OrderQueries } from './order-queries.ts';
import type { OrderService } from './order-service.ts';

export function orderRoutes(orders: OrderService, queries: OrderQueries): readonly Route[] {
  return [...listRoutes(queries), ...oneOrderRoutes(orders), ...linkRoutes(orders)];
}

const listRoutes = (queries: OrderQueries): readonly Route[] => [
  sessionRoute(
    {
      method: 'GET',
      path: '/api/orders',
      summary: 'Orders by promised date',
      tag: 'orders',
      access: 'session',
      query: ordersQuery,
      answer: ordersSchema,
    },
    ({ query }) => queries.list(query),
  ),
  sessionRoute(
    {
      method: 'GET',
      path: '/api/board',
      summary: 'The open orders of every stage',
      tag: 'orders',
      access: 'session',
      answer: boardSchema,
    },
    () => queries.board(),
  ),
  sessionRoute(
    {
      method: 'GET',
      path: '/api/today',
      summary: 'What today asks for',
      tag: 'orders',
      access: 'session',
      answer: todaySchema,
    },
    () => queries.today(Date.now()),
  ),
];

const oneOrderRoutes = (orders: OrderService): readonly Route[] => [
  sessionRoute(
    {
      method: 'POST',
      path: '/api/orders',
      summary: 'Take an order',
      tag: 'orders',
      access: 'session',
      body: newOrderBody,
      answer: orderSchema,
      status: 201,
    },
    ({ body, caller }) => orders.create(body, caller.actor),
  ),
  sessionRoute(
    {
      method: 'GET',
      path: '/api/orders/:id',
      summary: 'One order',
      tag: 'orders',
      access: 'session',
      params: idParams,
      answer: orderSchema,
    },
    ({ params }) => orders.get(params.id),
  ),
  sessionRoute(
    {
      method: 'PATCH',
      path: '/api/orders/:id',
      summary: 'Change items, discount, what was paid, or the note',
      tag: 'orders',
      access: 'session',
      params: idParams,
      body: patchOrderBody,
      answer: orderSchema,
    },
    ({ params, body, caller }) => orders.edit(params.id, body, caller.actor),
  ),
  sessionRoute(
    {
      method: 'POST',
      path: '/api/orders/:id/move',
      summary: 'Move to another stage, hand over, or cancel',
      tag: 'orders',
      access: 'session',
      params: idParams,
      body: moveOrderBody,
      answer: orderSchema,
    },
    ({ params, body, caller }) => orders.move(params.id, body, caller.actor),
  ),
  sessionRoute(
    {
      method: 'POST',
      path: '/api/orders/:id/promise',
      summary: 'Promise another date, with the reason that the customer reads',
      tag: 'orders',
      access: 'session',
      params: idParams,
      body: promiseBody,
      answer: orderSchema,
    },
    ({ params, body, caller }) => orders.changePromise(params.id, body, caller.actor),
  ),
];

const linkRoutes = (orders: OrderService): readonly Route[] => [
  sessionRoute(
    {
      method: 'POST',
      path: '/api/orders/:id/link',
      summary: "Issue the customer's link anew; the old one dies",
      tag: 'orders',
      access: 'session',
      params: idParams,
      answer: linkSchema,
      status: 201,
    },
    async ({ params, caller }) => {
      const { link } = await orders.issueLink(params.id, caller.actor);
      if (!link) throw new AppError('VERSION_CONFLICT', 'Somebody revoked the link meanwhile.');
      return link;
    },
  ),
  sessionRoute(
    {
      method: 'DELETE',
      path: '/api/orders/:id/link',
      summary: "Revoke the customer's link",
      tag: 'orders',
      access: 'session',
      params: idParams,
    },
    async ({ params, caller }) => {
      await orders.revokeLink(params.id, caller.actor);
    },
  ),
];
