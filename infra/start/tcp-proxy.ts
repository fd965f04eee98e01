import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/**
 * A wire that can be cut: forwards TCP to a target, and while it is cut drops every connection and takes no new one, as
 * a pulled cable behind a router does. The demonstration's Internet switch and the fault tests are made of it.
 */
export type TcpProxy = AsyncDisposable & {
  readonly port: number;
  readonly isCut: boolean;
  cut(): void;
  heal(): void;
};

export async function startTcpProxy(options: {
  readonly port: number;
  readonly targetHost: string;
  readonly targetPort: number;
}): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let isCut = false;
  const server = createServer((near) => {
    if (isCut) return near.destroy();
    const far = connect(options.targetPort, options.targetHost);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.setNoDelay(true);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
    return undefined;
  });
  server.listen(options.port, '127.0.0.1');
  await once(server, 'listening');
  const dropAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    get isCut() {
      return isCut;
    },
    cut() {
      isCut = true;
      dropAll();
    },
    heal() {
      isCut = false;
    },
    async [Symbol.asyncDispose]() {
      dropAll();
      server.close();
      await once(server, 'close');
    },
  };
}
