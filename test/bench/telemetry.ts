import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { openDatabase } from '@sgp/service-kit/database';
import type { MachineCredential } from '@sgp/shared/api/machines';
import { generate, parser } from 'mqtt-packet';
import { type FloorShop, startFloorShop } from '../support/floor-shop.ts';

/**
 * Telemetry from many machines through a real broker into the database of a real production-api:
 * `node test/bench/telemetry.ts [seconds=60] [messages per second=5000] [machines=125]`.
 * Prints what was sent, acknowledged (PUBACK, QoS 1) and stored, and the CPU time of each process.
 */
export type TelemetryFigures = {
  readonly seconds: number;
  readonly machines: number;
  readonly sent: number;
  readonly acknowledged: number;
  readonly stored: number;
  readonly lost: number;
  /** From the end of the sending until the last row was there. */
  readonly drainedMs: number;
  readonly messagesPerS: number;
  /** CPU seconds per second of wall time. */
  readonly cpu: { readonly broker: number; readonly production: number; readonly publishers: number };
};

const valuesPerMessage = 2;

/** One machine's connection: raw packets, so that the publishers leave the processor to what is measured. */
type Publisher = { publish(ts: number, n: number): void; readonly acknowledged: () => number; end(): void };

async function openPublisher(brokerUrl: string, { credential }: MachineCredential): Promise<Publisher> {
  const url = new URL(brokerUrl);
  const socket: Socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true });
  const packets = parser({ protocolVersion: 4 });
  const ready = Promise.withResolvers<void>();
  let acknowledged = 0;
  let messageId = 0;
  packets.on('packet', (packet) => {
    if (packet.cmd === 'puback') acknowledged += 1;
    else if (packet.cmd === 'connack') packet.returnCode === 0 ? ready.resolve() : ready.reject(new Error('refused'));
  });
  socket.on('data', (chunk) => packets.parse(chunk as Buffer));
  socket.on('error', ready.reject);
  const { username, clientId, password, topicPrefix } = credential;
  socket.write(
    generate({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 4,
      clean: true,
      clientId,
      keepalive: 60,
      username,
      password: Buffer.from(password),
    }),
  );
  await ready.promise;
  const topic = `${topicPrefix}/telemetry`;
  return {
    publish(ts, n) {
      messageId = (messageId % 65_535) + 1;
      const payload = `{"ts":${ts},"values":{"speed":${700 + (n % 100) / 10},"temperature":${40 + (n % 7)}}}`;
      socket.write(generate({ cmd: 'publish', topic, payload, qos: 1, dup: false, retain: false, messageId }));
    },
    acknowledged: () => acknowledged,
    end: () => socket.destroy(),
  };
}

/** User and system time in ms (Linux: /proc/PID/stat, 100 ticks a second); 0 where there is none. */
function cpuMs(pid: number | undefined): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    return 0;
  }
}

async function countRows(shop: FloorShop): Promise<number> {
  const db = openDatabase(`sqlite:${shop.dir}/telemetry.db`, { durability: 'full' });
  try {
    const row = (await db('samples').count({ rows: '*' }).first()) as { rows: number };
    return row.rows;
  } finally {
    await db.destroy();
  }
}

/** Sends evenly: each tick what the clock says is due, one message a machine in turn. */
async function send(publishers: readonly Publisher[], messagesPerS: number, seconds: number): Promise<number> {
  const total = messagesPerS * seconds;
  const start = performance.now();
  const lastTs = new Map<Publisher, number>();
  let sent = 0;
  while (sent < total) {
    const due = Math.min(total, Math.floor(((performance.now() - start) / 1000) * messagesPerS));
    for (; sent < due; sent += 1) {
      const publisher = publishers[sent % publishers.length] as Publisher;
      // A sample is unique by its millisecond.
      const ts = Math.max(Date.now(), (lastTs.get(publisher) ?? 0) + 1);
      lastTs.set(publisher, ts);
      publisher.publish(ts, sent);
    }
    await sleep(5);
  }
  return sent;
}

export async function benchTelemetry(
  seconds: number,
  messagesPerS: number,
  machines: number,
): Promise<TelemetryFigures> {
  await using stack = new AsyncDisposableStack();
  const shop = await startFloorShop(stack);
  const publishers: Publisher[] = [];
  for (let index = 0; index < machines; index += 1)
    publishers.push(await openPublisher(shop.brokerUrl, await shop.register(`m${index}`)));
  stack.defer(() => {
    for (const publisher of publishers) publisher.end();
  });
  const { broker, production } = shop.processes;
  const measure = () => ({
    broker: cpuMs(broker.child.pid),
    production: cpuMs(production.child.pid),
    publishers: process.cpuUsage().user / 1000 + process.cpuUsage().system / 1000,
    at: performance.now(),
  });
  const before = measure();
  const sent = await send(publishers, messagesPerS, seconds);
  const after = measure();
  const acked = (): number => publishers.reduce((sum, publisher) => sum + publisher.acknowledged(), 0);
  let stored = 0;
  const deadline = performance.now() + 30_000;
  while (performance.now() < deadline) {
    stored = await countRows(shop);
    if (stored >= sent * valuesPerMessage && acked() >= sent) break;
    await sleep(20);
  }
  const wallMs = after.at - before.at;
  const share = (name: 'broker' | 'production' | 'publishers'): number =>
    Math.round(((after[name] - before[name]) / wallMs) * 100) / 100;
  return {
    seconds,
    machines,
    sent,
    acknowledged: acked(),
    stored: stored / valuesPerMessage,
    lost: acked() - stored / valuesPerMessage,
    drainedMs: Math.round(performance.now() - after.at),
    messagesPerS: Math.round(sent / (wallMs / 1000)),
    cpu: { broker: share('broker'), production: share('production'), publishers: share('publishers') },
  };
}

if (import.meta.main) {
  const [seconds = 60, messagesPerS = 5000, machines = 125] = process.argv.slice(2).map(Number);
  console.log(JSON.stringify(await benchTelemetry(seconds, messagesPerS, machines), null, 2));
}
