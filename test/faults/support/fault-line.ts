import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/**
 * What passes on the line:
 * `open`: everything. `cut`: connections end and none is made. `frozen`: nothing, and nobody is told; what was sent arrives
 * after the thaw, as with a cable that was pulled for a while. `one-way`: requests arrive, answers vanish and nobody is told.
 * `answers-reset`: requests arrive, each answer ends its connection.
 */
export type LineMode = 'open' | 'cut' | 'frozen' | 'one-way' | 'answers-reset';

export type LineQuality = {
  /** Chance that a packet ends its connection, in [0, 1]. */
  readonly lossChance: number;
  /** In each direction, over all connections; null: as fast as it goes. */
  readonly bytesPerS: number | null;
  readonly latencyMs: number;
};

export type FaultLine = AsyncDisposable & {
  readonly port: number;
  set(mode: LineMode): void;
  setQuality(quality: Partial<LineQuality>): void;
  /** Forgets the connections of now without a word to either side, as a router does: new ones work. */
  forget(): void;
  /** Bytes that travelled towards the Core, and back. */
  readonly bytes: { readonly up: number; readonly down: number };
  /** Connections that a lost packet ended. */
  readonly resets: number;
};

/** Of a packet on Ethernet: what is lost, delayed and metered at a time. */
const packetBytes = 1_400;

/**
 * The Internet of a test: a TCP proxy that behaves as badly as it is told.
 * @param random in [0, 1), seeded by the test
 */
export async function createFaultLine(target: () => number, random: () => number): Promise<FaultLine> {
  const pairs = new Set<{ forgotten: boolean; readonly sockets: readonly Socket[] }>();
  const bytes = { up: 0, down: 0 };
  const freeAt = { up: 0, down: 0 };
  let quality: LineQuality = { lossChance: 0, bytesPerS: null, latencyMs: 0 };
  let mode: LineMode = 'open';
  let resets = 0;
  let thaw = Promise.withResolvers<void>();
  thaw.resolve();

  /** Resolves when the packet is through the bottleneck. */
  const transmit = async (way: 'up' | 'down', length: number): Promise<void> => {
    const now = performance.now();
    if (quality.bytesPerS !== null) freeAt[way] = Math.max(now, freeAt[way]) + (length / quality.bytesPerS) * 1000;
    const waitMs = Math.max(quality.bytesPerS === null ? 0 : freeAt[way] - now, 0) + quality.latencyMs;
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
  };

  const pump = async (pair: { forgotten: boolean }, way: 'up' | 'down', from: Socket, to: Socket): Promise<void> => {
    for await (const chunk of from as AsyncIterable<Buffer>)
      for (let at = 0; at < chunk.length; at += packetBytes) {
        const packet = chunk.subarray(at, at + packetBytes);
        await transmit(way, packet.length);
        await thaw.promise;
        if (way === 'down' && mode === 'one-way') pair.forgotten = true;
        // Once a byte of it vanished, nothing may follow: a stream has no holes.
        if (pair.forgotten && !(way === 'up' && mode === 'one-way')) continue;
        const isLost = random() < quality.lossChance;
        if (isLost) resets += 1;
        if (isLost || (way === 'down' && mode === 'answers-reset')) return void from.destroy();
        bytes[way] += packet.length;
        if (!to.write(packet) && !to.destroyed) await Promise.race([once(to, 'drain'), once(to, 'close')]);
      }
    to.end();
  };

  const server = createServer({ allowHalfOpen: true }, (near) => {
    if (mode === 'cut') return void near.destroy();
    const far = connect({ port: target(), host: '127.0.0.1', allowHalfOpen: true });
    const pair = { forgotten: false, sockets: [near, far] };
    pairs.add(pair);
    for (const socket of pair.sockets) {
      socket.setNoDelay(true);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        pairs.delete(pair);
        near.destroy();
        far.destroy();
      });
    }
    // A socket that broke ends its pump; the handlers above end the other one.
    pump(pair, 'up', near, far).catch(() => near.destroy());
    pump(pair, 'down', far, near).catch(() => far.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');

  const endAll = (): void => {
    for (const { sockets } of pairs) for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    set(next) {
      if (next === 'frozen' && mode !== 'frozen') thaw = Promise.withResolvers<void>();
      mode = next;
      if (next !== 'frozen') thaw.resolve();
      if (next === 'cut') endAll();
    },
    setQuality(next) {
      quality = { ...quality, ...next };
    },
    forget() {
      for (const pair of pairs) pair.forgotten = true;
    },
    bytes,
    get resets() {
      return resets;
    },
    async [Symbol.asyncDispose]() {
      thaw.resolve();
      server.close();
      endAll();
      await once(server, 'close');
    },
  };
}

/** Seeded, so that a failure can be run again: SEED=… npm test -- FILE */
export const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);

export function createRandom(): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}
