import type { Bus } from '@sgp/service-kit/bus';
import { type BusConsumer, createBusConsumer } from '@sgp/service-kit/bus-consumer';
import type { Database } from '@sgp/service-kit/database';
import type { Log } from '@sgp/service-kit/log';
import type { Metrics } from '@sgp/service-kit/metrics';
import type { Route } from '@sgp/service-kit/route';
import type { EventHub } from '@sgp/service-kit/sse';
import { limits } from '@sgp/shared/limits';
import { serviceUsername, topics } from '@sgp/shared/topics';
import type { AuditStore } from '../audit/audit-store.ts';
import type { Blocks } from '../blocks/blocks.ts';
import { createAway } from '../floor/away.ts';
import { localDay } from '../floor/clock.ts';
import { createDeliveries } from '../floor/deliveries.ts';
import { createFeed } from '../floor/feed.ts';
import { createFloorMetrics } from '../floor/floor-metrics.ts';
import { createFloorStore } from '../floor/floor-store.ts';
import { createIngest } from '../floor/ingest.ts';
import { openListening } from '../floor/listening.ts';
import { createLiveMachines } from '../floor/live.ts';
import { createOrderLookup } from '../floor/order-lookup.ts';
import type { Outcome } from '../floor/outcome.ts';
import { startPruning } from '../floor/retention.ts';
import { signalOf } from '../floor/signal.ts';
import { watchSilence } from '../floor/silence.ts';
import { createTelemetryWriter } from '../floor/telemetry-writer.ts';
import type { OrderPort } from '../orders/order-port.ts';
import { startRollups } from '../rollups/rollups.ts';
import type { Say } from '../streams/say.ts';
import { createCredentialPush } from './credential-push.ts';
import { historyRoutes } from './history-routes.ts';
import { machineRoutes } from './machine-routes.ts';
import { createMachineStore, type RegisteredMachine } from './machine-store.ts';
import { viewMachine } from './machine-view.ts';
import { deviceCredentials, openRegistry } from './registry.ts';

export type MachinesDeps = {
  /** production.db and telemetry.db, both migrated. */
  readonly db: Database;
  readonly telemetryDb: Database;
  readonly bus: Pick<Bus, 'onConnect'>;
  readonly hub: Pick<EventHub, 'send' | 'size'>;
  /** Slug of the establishment. */
  readonly est: string;
  readonly timeZone: () => string;
  readonly brokerUrl: string;
  readonly mqttPassword: string;
  readonly brokerAdmin: { readonly url: string; readonly token: string };
  /** What machines are told to connect to. */
  readonly machineBroker: { readonly host: string; readonly port: number };
  readonly orders: OrderPort;
  readonly audit: Pick<AuditStore, 'append'>;
  readonly say: Say;
  readonly blocks: Pick<Blocks, 'mustBeFree'>;
  readonly log: Log;
  readonly metrics: Metrics;
};

/** Opens everything about machines: their registry and credentials, the floor ingest, and the routes. */
export async function openMachines(
  stack: AsyncDisposableStack,
  deps: MachinesDeps,
): Promise<{ readonly routes: readonly Route[] }> {
  const { db, telemetryDb, est, timeZone, say, log } = deps;
  const store = createMachineStore(db);
  const registry = await openRegistry({ db, store, audit: deps.audit, est, say, blocks: deps.blocks });
  const push = stack.use(
    createCredentialPush({ broker: deps.brokerAdmin, credentials: () => deviceCredentials(store, est), log }),
  );
  const floor = createFloorStore(telemetryDb);
  const writer = createTelemetryWriter(telemetryDb);
  const live = createLiveMachines(await floor.known(localDay(Date.now(), timeZone())));
  const signal = (machine: RegisteredMachine) =>
    signalOf(live.status(machine.machineId), machine.credential.revokedAt, Date.now());
  const view = (machine: RegisteredMachine) =>
    viewMachine(machine, live, { est, timeZone: timeZone(), now: Date.now() });
  const feed = stack.use(
    createFeed(deps.hub, {
      view: (machineId) => ifFound(registry.find(machineId), view),
      signal: (machineId) => ifFound(registry.find(machineId), (machine) => signal(machine).signal),
    }),
  );
  const deliveries = stack.use(
    createDeliveries({
      db: telemetryDb,
      orders: deps.orders,
      machineName: (machineId) => registry.find(machineId)?.name ?? '',
      log,
    }),
  );
  const committed = (outcome: Outcome): void => {
    feed.committed(outcome);
    if (outcome.counts.length > 0) deliveries.ring();
  };
  stack.use(startPruning(telemetryDb, log));
  const machineIds = () => registry.list().map(({ machineId }) => machineId);
  stack.use(startRollups({ db, telemetryDb, floor, machineIds, say }, log));
  stack.use(watchSilence({ machineIds, writer, live, committed, log }));
  const away = createAway(live.lastHeardAt(), () => consumer.connected);
  const listening = stack.use(await openListening({ db: telemetryDb, connected: () => consumer.connected, log }));
  const metrics = createFloorMetrics(deps.metrics);
  const ingest = createIngest({
    est,
    timeZone,
    writer,
    live,
    orders: createOrderLookup(deps.orders),
    machines: registry,
    away,
    listening,
    metrics,
    log,
    committed,
  });
  const username = serviceUsername('production-api');
  const consumer: BusConsumer = stack.use(
    createBusConsumer({
      url: deps.brokerUrl,
      username,
      clientId: `${username}:floor`,
      password: deps.mqttPassword,
      filters: [topics.upAll(est), topics.onlineAll(est), topics.refused(est)],
      maxBatchMessages: limits.floorCommitMaxMessages,
      maxDelayMs: limits.floorCommitMaxDelayMs,
      maxHeldMessages: limits.busHeldMaxMessages,
      maxHeldBytes: limits.busHeldMaxBytes,
      async commit(batch) {
        await ingest.commit(batch);
        away.heard(Date.now());
        listening.went(Date.now());
      },
      dropped: metrics.dropped,
      log,
    }),
  );
  consumer.onConnect(() => {
    away.back(Date.now());
    listening.began(Date.now());
  });
  deps.bus.onConnect(() => void push.push());
  deliveries.ring();
  const { machineBroker } = deps;
  return {
    routes: [
      ...machineRoutes({ registry, push: push.push, view, changed: feed.changed, est, machineBroker }),
      ...historyRoutes({ registry, floor, signal, timeZone }),
    ],
  };
}

const ifFound = <Found, Result>(found: Found | undefined, then: (found: Found) => Result): Result | null =>
  found === undefined ? null : then(found);
