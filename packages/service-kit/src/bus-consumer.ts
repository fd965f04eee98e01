import { connect as connectSocket, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { limits } from '@sgp/shared/limits';
import { generate, type Packet, parser } from 'mqtt-packet';
import { type BusMessage, createIntake, type IntakeOptions, type Session } from './bus-intake.ts';

export type BusConsumerOptions = IntakeOptions & {
  /** `mqtt://host:port` of a 3.1.1 broker. */
  readonly url: string;
  readonly username: string;
  /** Names the session that the broker keeps; two consumers must never share one. */
  readonly clientId: string;
  readonly password: string;
  readonly filters: readonly string[];
};

/** Reads what must not be lost from the LAN bus, in batches, each acknowledged after it was stored. It comes back by itself. */
export type BusConsumer = AsyncDisposable & {
  /** Connected and subscribed. */
  readonly connected: boolean;
  /** Called at each time that the subscriptions stand, the present one included. */
  onConnect(listener: () => void): void;
};

const reconnectDelayMs = 500;
const handshakeMaxMs = 5_000;
/** A broker that does not take the last bytes may not hold up the end of the process. */
const leaveMaxMs = limits.shutdownMaxMs / 4;
const keepaliveS = 15;

type SessionEvents = {
  readonly ready: (sessionPresent: boolean) => void;
  /** `messageId` is null for QoS 0, which is not acknowledged. */
  readonly message: (message: BusMessage, messageId: number | null) => void;
};

export function createBusConsumer(options: BusConsumerOptions): BusConsumer {
  const { log } = options;
  const closing = new AbortController();
  const listeners: (() => void)[] = [];
  const intake = createIntake(options);
  let session: Session | null = null;
  let connected = false;

  const run = async (): Promise<void> => {
    let quiet = false;
    while (!closing.signal.aborted) {
      const current: Session = openSession(options, {
        ready(sessionPresent) {
          connected = true;
          quiet = false;
          log.info({ clientId: options.clientId, sessionPresent }, 'bus consumer connected');
          for (const listener of listeners) listener();
        },
        message: (message, messageId) => intake.add({ message, messageId, session: current, since: performance.now() }),
      });
      session = current;
      const reason = await current.ended;
      connected = false;
      intake.forget(current);
      if (closing.signal.aborted) return;
      // A broker that is away for a minute is one line in the log, not 120.
      log[quiet ? 'debug' : 'warn']({ clientId: options.clientId, reason }, 'bus consumer lost its connection');
      quiet = true;
      await sleep(reconnectDelayMs, undefined, { signal: closing.signal }).catch(() => undefined);
    }
  };
  const running = run();

  return {
    get connected() {
      return connected;
    },
    onConnect(listener) {
      listeners.push(listener);
      if (connected) listener();
    },
    async [Symbol.asyncDispose]() {
      closing.abort();
      session?.pause(true);
      await intake.drain();
      session?.leave();
      await running;
    },
  };
}

function openSession(options: BusConsumerOptions, events: SessionEvents): Session {
  const url = new URL(options.url);
  const socket: Socket = connectSocket({ host: url.hostname, port: Number(url.port || 1883), noDelay: true });
  const ended = Promise.withResolvers<string>();
  const packets = parser({ protocolVersion: 4 });
  const handshake = setTimeout(() => end('the broker did not answer in time'), handshakeMaxMs);
  let open = true;
  let heardAt = performance.now();
  const keepalive = setInterval(() => {
    if (socket.isPaused()) heardAt = performance.now();
    if (performance.now() - heardAt > 1.5 * keepaliveS * 1000) return end('the broker is silent');
    socket.write(generate({ cmd: 'pingreq' }));
  }, keepaliveS * 1000);
  const end = (reason: string): void => {
    if (!open) return;
    open = false;
    clearTimeout(handshake);
    clearInterval(keepalive);
    socket.destroy();
    ended.resolve(reason);
  };
  let sessionPresent = false;
  const handle = (packet: Packet): void => {
    if (!open) return;
    if (packet.cmd === 'publish') {
      const { topic, retain, qos } = packet;
      const payload = packet.payload as Buffer;
      events.message({ topic, payload, retain, receivedAt: Date.now() }, qos === 0 ? null : (packet.messageId ?? null));
    } else if (packet.cmd === 'connack') {
      sessionPresent = packet.sessionPresent;
      const subscriptions = options.filters.map((topic) => ({ topic, qos: 1 as const }));
      if (packet.returnCode === 0) socket.write(generate({ cmd: 'subscribe', messageId: 1, subscriptions }));
      else end(`the broker refused the connection with code ${packet.returnCode}`);
    } else if (packet.cmd === 'suback') {
      const refused = options.filters.filter((_, index) => packet.granted[index] === 128);
      clearTimeout(handshake);
      if (refused.length === 0) events.ready(sessionPresent);
      else end(`the broker refused the filters ${refused.join(', ')}`);
    }
  };
  packets.on('packet', handle);
  packets.on('error', (err) => end(`not MQTT: ${err.message}`));
  socket.on('connect', () => socket.write(connectPacket(options)));
  socket.on('data', (chunk) => {
    heardAt = performance.now();
    packets.parse(chunk as Buffer);
  });
  socket.on('error', (err) => end(err.message));
  socket.on('close', () => end('the connection was closed'));
  return {
    ended: ended.promise,
    pause(paused) {
      if (!open || paused === socket.isPaused()) return;
      if (paused) socket.pause();
      else socket.resume();
    },
    acknowledge(messageIds) {
      if (open) socket.write(pubacks(messageIds));
    },
    end,
    leave() {
      if (socket.connecting) end('left');
      else if (open) socket.end(generate({ cmd: 'disconnect' }), () => end('left'));
      setTimeout(() => end('left'), leaveMaxMs).unref();
    },
  };
}

const connectPacket = ({ clientId, username, password }: BusConsumerOptions): Buffer =>
  generate({
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clean: false,
    clientId,
    keepalive: keepaliveS,
    username,
    password: Buffer.from(password),
  });

/** All acknowledgements in one write: PUBACK is four bytes (MQTT 3.1.1 §3.4). */
function pubacks(messageIds: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(4 * messageIds.length);
  for (const [index, id] of messageIds.entries()) {
    bytes.writeUInt16BE(0x40_02, 4 * index);
    bytes.writeUInt16BE(id, 4 * index + 2);
  }
  return bytes;
}
