import { Readable } from 'node:stream';
import type { Route } from '@sgp/service-kit/route';
import { idParams } from '@sgp/shared/api/common';
import {
  logQuery,
  logSchema,
  refusalsSchema,
  stateSpansSchema,
  telemetryQuery,
  telemetrySeriesSchema,
} from '@sgp/shared/api/machines';
import { AppError } from '@sgp/shared/errors';
import { limits } from '@sgp/shared/limits';
import * as z from 'zod';
import type { FloorStore, LogFilter } from '../floor/floor-store.ts';
import { noMachine } from '../floor/no-machine.ts';
import type { Signal } from '../floor/signal.ts';
import { stateSpans } from '../floor/state-spans.ts';
import { sessionRoute } from '../people/session-route.ts';
import { createLogFileWriter, logFileHead, logFileLanguages } from './log-file.ts';
import type { RegisteredMachine } from './machine-store.ts';
import type { MachineRegistry } from './registry.ts';

export type HistoryRouteDeps = {
  readonly registry: Pick<MachineRegistry, 'get'>;
  readonly floor: FloorStore;
  readonly signal: (machine: RegisteredMachine) => Signal;
  readonly timeZone: () => string;
};

const tag = 'machines';
const dayMs = 24 * 60 * 60 * 1000;
const statesQuery = z.strictObject({ from: z.coerce.number().int(), to: z.coerce.number().int() });
const fileQuery = logQuery.omit({ before: true, limit: true });

/** @throws AppError BODY_INVALID */
function checkRange({ from, to }: { readonly from: number; readonly to: number }): void {
  if (from < 0 || to < from || to - from > limits.machineLogRetentionDays * dayMs)
    throw new AppError(
      'BODY_INVALID',
      `The range must go forward and span at most ${limits.machineLogRetentionDays} days.`,
      {
        details: { issues: [{ path: 'to', message: 'must be after from' }] },
      },
    );
}

/** What machines said: series, state spans, log and refusals. */
export function historyRoutes(deps: HistoryRouteDeps): readonly Route[] {
  const { registry, floor } = deps;
  return [
    sessionRoute(
      {
        method: 'GET',
        path: '/api/machines/:id/telemetry',
        summary: 'One metric over a time, in buckets',
        tag,
        access: 'session',
        params: idParams,
        query: telemetryQuery,
        answer: telemetrySeriesSchema,
      },
      ({ params, query }) => {
        checkRange(query);
        return floor.series(registry.get(params.id).machineId, query);
      },
    ),
    sessionRoute(
      {
        method: 'GET',
        path: '/api/machines/:id/states',
        summary: 'Spans of state and signal over a time',
        tag,
        access: 'session',
        params: idParams,
        query: statesQuery,
        answer: stateSpansSchema,
      },
      async ({ params, query: { from, to } }) => {
        checkRange({ from, to });
        const machine = registry.get(params.id);
        const { signal, signalSince } = deps.signal(machine);
        const lines = await floor.signalLines(machine.machineId, from, to);
        return {
          spans: [...stateSpans(lines, from, Math.min(to, Date.now()), signal === 'silent' ? signalSince : null)],
        };
      },
    ),
    sessionRoute(
      {
        method: 'GET',
        path: '/api/machines/:id/log',
        summary: "The machine's log, newest first",
        tag,
        access: 'session',
        params: idParams,
        query: logQuery,
        answer: logSchema,
      },
      async ({ params, query }) => {
        const { lines, nextBefore } = await floor.log(registry.get(params.id).machineId, query);
        return { lines: [...lines], nextBefore };
      },
    ),
    logFileRoute(deps),
    sessionRoute(
      {
        method: 'GET',
        path: '/api/machines/:id/refusals',
        summary: 'What was refused of this machine, and why',
        tag,
        access: 'session',
        params: idParams,
        answer: refusalsSchema,
      },
      ({ params }) => floor.refusals(registry.get(params.id).machineId),
    ),
    sessionRoute(
      {
        method: 'GET',
        path: '/api/refusals',
        summary: 'Clients that were refused and are no machine of this shop',
        tag,
        access: 'session',
        answer: refusalsSchema,
      },
      () => floor.refusals(noMachine),
    ),
  ];
}

const logFileRoute = ({ registry, floor, timeZone }: HistoryRouteDeps): Route =>
  sessionRoute(
    {
      method: 'GET',
      path: '/api/machines/:id/log.csv',
      summary: "The machine's log as a file for spreadsheets",
      tag,
      access: 'session',
      params: idParams,
      query: fileQuery,
    },
    ({ params, query, ctx }) => {
      const { machineId, slug } = registry.get(params.id);
      const language = ctx.acceptsLanguages(...logFileLanguages) || 'pt';
      const write = createLogFileWriter(language === 'en' ? 'en' : 'pt', timeZone());
      ctx.set('content-disposition', `attachment; filename="${slug}.csv"`);
      ctx.set('cache-control', 'no-store');
      ctx.body = Readable.from(logFile(floor, machineId, query, language === 'en' ? 'en' : 'pt', write));
      ctx.type = 'text/csv; charset=utf-8';
    },
  );

const linesPerPage = 500;

/** Page by page, so that a long log is never whole in memory. */
async function* logFile(
  floor: Pick<FloorStore, 'log'>,
  machineId: string,
  filter: Omit<LogFilter, 'limit'>,
  language: 'pt' | 'en',
  write: ReturnType<typeof createLogFileWriter>,
): AsyncGenerator<string> {
  yield logFileHead(language);
  let before: string | undefined;
  for (let count = 0; count < limits.machineLogFileMaxLines; count += linesPerPage) {
    const page = await floor.log(machineId, { ...filter, before, limit: linesPerPage });
    yield write(page.lines);
    if (page.nextBefore === null) return;
    before = page.nextBefore;
  }
}
