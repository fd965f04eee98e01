import { fork } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A TCP proxy in a process of its own, so that counting costs neither side anything but a hop. */
export type Counted = {
  readonly bytesUp: number;
  readonly bytesDown: number;
  /** First connection since the way opened, in ms since 1970; null for none. */
  readonly firstAt: number | null;
};
export type CountingProxy = AsyncDisposable & {
  readonly port: number;
  /** Begins to count anew, and lets connections through; before that they are cut. */
  open(): Promise<void>;
  /** Cuts every connection, and each that comes until it opens again. */
  shut(): Promise<void>;
  counted(): Promise<Counted>;
};

type Command = { readonly do: 'open' | 'shut' | 'count' };

/**
 * @param targetPort on 127.0.0.1
 * @param oneWayMs what every byte travels longer, in each direction
 */
export async function startCountingProxy(targetPort: number, oneWayMs = 0): Promise<CountingProxy> {
  const child = fork(new URL(import.meta.url), [String(targetPort), String(oneWayMs)]);
  const [{ port }] = (await once(child, 'message')) as [{ port: number }];
  const ask = async <Answer>(command: Command): Promise<Answer> => {
    child.send(command);
    const [answer] = await once(child, 'message');
    return answer as Answer;
  };
  return {
    port,
    open: () => ask({ do: 'open' }),
    shut: () => ask({ do: 'shut' }),
    counted: () => ask({ do: 'count' }),
    async [Symbol.asyncDispose]() {
      const ended = once(child, 'exit');
      child.kill();
      await ended;
    },
  };
}

async function serve(targetPort: number, oneWayMs: number): Promise<void> {
  let counted: Counted = { bytesUp: 0, bytesDown: 0, firstAt: null };
  let isOpen = false;
  const open = new Set<Socket>();
  const server = createServer((near) => {
    if (!isOpen) return void near.destroy();
    counted = { ...counted, firstAt: counted.firstAt ?? Date.now() };
    const far = connect({ host: '127.0.0.1', port: targetPort, noDelay: true });
    near.setNoDelay(true);
    near.on('data', ({ length }) => {
      counted = { ...counted, bytesUp: counted.bytesUp + length };
    });
    far.on('data', ({ length }) => {
      counted = { ...counted, bytesDown: counted.bytesDown + length };
    });
    endTogether(near, far);
    open.add(near);
    near.on('close', () => open.delete(near));
    carry(near, far, oneWayMs);
    carry(far, near, oneWayMs);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  process.on('message', (command: Command) => {
    if (command.do === 'open') {
      counted = { bytesUp: 0, bytesDown: 0, firstAt: null };
      isOpen = true;
    }
    if (command.do === 'shut') {
      isOpen = false;
      for (const socket of open) socket.destroy();
    }
    process.send?.(counted);
  });
  process.once('disconnect', () => process.exit());
  process.send?.({ port: (server.address() as AddressInfo).port });
}

function carry(from: Socket, to: Socket, oneWayMs: number): void {
  if (oneWayMs === 0) return void from.pipe(to);
  // Timers of one duration fire in the order in which they were set: what travels stays in its order.
  from.on('data', (chunk) => setTimeout(() => to.destroyed || to.write(chunk), oneWayMs));
}

function endTogether(near: Socket, far: Socket): void {
  for (const [one, other] of [
    [near, far],
    [far, near],
  ] as const) {
    one.on('error', () => other.destroy());
    one.on('close', () => other.destroy());
  }
}

if (import.meta.main) await serve(Number(process.argv[2]), Number(process.argv[3]));
