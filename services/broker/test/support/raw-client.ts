import { once } from 'node:events';
import { connect } from 'node:net';
import { generate, type Packet, parser } from 'mqtt-packet';
import { est, secretOf } from './stand.ts';

/** A client that sends bytes exactly as a test wants them. */
export async function connectRaw(port: number) {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const packets: Packet[] = [];
  const waiting = new Set<() => void>();
  const read = parser({ protocolVersion: 4 });
  read.on('packet', (packet) => {
    packets.push(packet);
    for (const check of waiting) check();
  });
  socket.on('data', (chunk) => read.parse(chunk as Buffer));
  socket.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => {
    socket.on('close', () => resolve());
  });
  await once(socket, 'connect');
  const next = (fits: (packet: Packet) => boolean): Promise<Packet> =>
    new Promise((resolve) => {
      const check = (): void => {
        const found = packets.find(fits);
        if (!found) return;
        waiting.delete(check);
        resolve(found);
      };
      waiting.add(check);
      check();
    });
  return {
    socket,
    closed,
    packets,
    next,
    send: (packet: Packet) => socket.write(generate(packet)),
    onPacket: (listener: (packet: Packet) => void) => read.on('packet', listener),
    async login(device: string): Promise<void> {
      const username = `${est}.${device}`;
      socket.write(connectPacket(username, username, secretOf(device)));
      await next(({ cmd }) => cmd === 'connack');
    },
    [Symbol.dispose]: () => socket.destroy(),
  };
}

export const connectPacket = (clientId: string, username: string, password: string, clean = true): Buffer =>
  generate({
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clean,
    clientId,
    keepalive: 60,
    username,
    password: Buffer.from(password),
  });

export const publishPacket = (
  topic: string,
  payload: string | Buffer,
  options: { qos?: 0 | 1; messageId?: number; retain?: boolean } = {},
): Buffer => generate({ cmd: 'publish', topic, payload, qos: 0, dup: false, retain: false, ...options });
