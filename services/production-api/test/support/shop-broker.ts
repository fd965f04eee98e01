import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { Aedes } from 'aedes';

export type ShopBroker = {
  readonly url: string;
  /** Messages of a topic that arrived, as JSON, from now on. */
  heard(topic: string): readonly unknown[];
  /** Resolves with the first message that `wanted` accepts, also one that came before. */
  wait(topic: string, wanted?: (message: unknown) => boolean): Promise<unknown>;
  publish(topic: string, message: unknown): Promise<void>;
};

/** A real MQTT broker on a free port, closed with the stack. */
export async function openShopBroker(stack: AsyncDisposableStack): Promise<ShopBroker> {
  const aedes = await Aedes.createBroker();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    aedes.handle(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stack.defer(async () => {
    const closed = once(server, 'close');
    server.close();
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => aedes.close(() => resolve()));
    await closed;
  });
  const messages: { topic: string; message: unknown }[] = [];
  const listeners = new Set<() => void>();
  aedes.on('publish', (packet) => {
    if (packet.topic.startsWith('$SYS')) return;
    messages.push({ topic: packet.topic, message: JSON.parse(packet.payload.toString()) });
    for (const listener of listeners) listener();
  });
  const heard = (topic: string): unknown[] =>
    messages.filter((each) => each.topic === topic).map((each) => each.message);
  return {
    url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`,
    heard,
    async wait(topic, wanted = () => true) {
      for (;;) {
        const found = heard(topic).find(wanted);
        if (found !== undefined) return found;
        await new Promise<void>((resolve) => {
          const listener = (): void => {
            listeners.delete(listener);
            resolve();
          };
          listeners.add(listener);
        });
      }
    },
    publish: (topic, message) =>
      new Promise((resolve, reject) => {
        const packet = {
          cmd: 'publish' as const,
          topic,
          payload: Buffer.from(JSON.stringify(message)),
          qos: 1 as const,
          dup: false,
          retain: false,
        };
        aedes.publish(packet, (error) => (error ? reject(error) : resolve()));
      }),
  };
}
