import type { Route } from '@sgp/service-kit/route';
import { idParams } from '@sgp/shared/api/common';
import { customerSchema, customersSchema, newCustomerBody, patchCustomerBody } from '@sgp/shared/api/orders';
import { limits } from '@sgp/shared/limits';
import * as z from 'zod';
import { sessionRoute } from '../people/session-route.ts';
import type { CustomerService } from './customer-service.ts';

const customersQuery = z.strictObject({
  q: z.string().max(100).optional(),
  limit: z.coerce.number().int().min(1).max(limits.pageMaxRows).default(50),
});

export const customerRoutes = (customers: CustomerService): readonly Route[] => [
  sessionRoute(
    {
      method: 'GET',
      path: '/api/customers',
      summary: 'Customers by name',
      tag: 'customers',
      access: 'session',
      query: customersQuery,
      answer: customersSchema,
    },
    async ({ query }) => ({ customers: await customers.list(query) }),
  ),
  sessionRoute(
    {
      method: 'POST',
      path: '/api/customers',
      summary: 'Add a customer',
      tag: 'customers',
      access: 'session',
      body: newCustomerBody,
      answer: customerSchema,
      status: 201,
    },
    ({ body, caller }) => customers.create(body, caller.actor),
  ),
  sessionRoute(
    {
      method: 'GET',
      path: '/api/customers/:id',
      summary: 'One customer',
      tag: 'customers',
      access: 'session',
      params: idParams,
      answer: customerSchema,
    },
    ({ params }) => customers.get(params.id),
  ),
  sessionRoute(
    {
      method: 'PATCH',
      path: '/api/customers/:id',
      summary: 'Change a customer',
      tag: 'customers',
      access: 'session',
      params: idParams,
      body: patchCustomerBody,
      answer: customerSchema,
    },
    ({ params, body, caller }) => customers.change(params.id, body, caller.actor),
  ),
];
