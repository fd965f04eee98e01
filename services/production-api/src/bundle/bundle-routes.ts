import { type Route, route } from '@sgp/service-kit/route';
import { idParams } from '@sgp/shared/api/common';
import { bundleSchema, bundleSettledSchema, bundleStateSchema } from '@sgp/shared/api/sync';
import { limits } from '@sgp/shared/limits';
import type { SessionCaller } from '../people/caller.ts';
import { sessionRoute } from '../people/session-route.ts';
import type { BundleDesk } from './bundle-service.ts';

const tag = 'sync';

/** What waits as a file, for a shop without Internet, and the Core's answer to it. */
export const bundleRoutes = (desk: BundleDesk): readonly Route[] => [
  sessionRoute(
    {
      method: 'GET',
      path: '/api/sync/bundle',
      summary: 'How much waits, and the last file that was written of it',
      tag,
      access: 'manager',
      answer: bundleStateSchema,
    },
    () => desk.state(),
  ),
  sessionRoute(
    {
      method: 'POST',
      path: '/api/sync/bundle',
      summary: 'Write what waits as a signed file; it stays in the queue until its acknowledgement comes back',
      tag,
      access: 'manager',
      answer: bundleSchema,
      status: 201,
    },
    ({ caller }) => desk.write(caller.actor),
  ),
  sessionRoute(
    {
      method: 'GET',
      path: '/api/sync/bundle/:id/file',
      summary: 'Download the file',
      tag,
      access: 'manager',
      params: idParams,
    },
    async ({ params, ctx }) => {
      const { fileName, bytes, content } = await desk.open(params.id);
      ctx.set('content-disposition', `attachment; filename="${fileName}"`);
      ctx.set('cache-control', 'no-store');
      ctx.type = 'application/octet-stream';
      ctx.length = bytes;
      ctx.body = content;
    },
  ),
  route(
    {
      method: 'POST',
      path: '/api/sync/bundle/ack',
      summary: 'Take in the acknowledgement of a file: exactly what it names leaves the queue',
      tag,
      access: 'manager',
      rawBodyMaxBytes: limits.bundleAckMaxBytes,
      answer: bundleSettledSchema,
    },
    ({ caller, rawBody }: { readonly caller: SessionCaller; readonly rawBody: Buffer }) =>
      desk.settle(caller.actor, rawBody),
  ),
];
