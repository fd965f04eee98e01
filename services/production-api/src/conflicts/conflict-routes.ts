import type { Route } from '@sgp/service-kit/route';
import { idParams } from '@sgp/shared/api/common';
import { conflictEntrySchema, conflictsQuery, conflictsSchema } from '@sgp/shared/api/conflicts';
import { sessionRoute } from '../people/session-route.ts';
import type { ConflictService, Resolution } from './conflict-service.ts';

const tag = 'conflicts';

export const conflictRoutes = (conflicts: ConflictService): readonly Route[] => [
  sessionRoute(
    {
      method: 'GET',
      path: '/api/conflicts',
      summary: 'Conflicts with both versions side by side, newest first',
      tag,
      access: 'session',
      query: conflictsQuery,
      answer: conflictsSchema,
    },
    ({ query }) => conflicts.list(query),
  ),
  decideRoute(conflicts, 'keep', 'kept', 'What stands is right'),
  decideRoute(conflicts, 'restore', 'restored', 'Write what lost anew'),
];

const decideRoute = (conflicts: ConflictService, verb: string, resolution: Resolution, summary: string): Route =>
  sessionRoute(
    {
      method: 'POST',
      path: `/api/conflicts/:id/${verb}`,
      summary,
      tag,
      access: 'manager',
      params: idParams,
      answer: conflictEntrySchema,
    },
    ({ params, caller }) => conflicts.decide(params.id, resolution, caller.actor),
  );
