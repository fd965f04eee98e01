import { connect, type Socket } from 'node:net';

/** Between two looks while the cloud is out of reach: with it, a line that is back is noticed within two seconds. */
const lookEveryMs = 1_500;
/** A connection that is made and closed at once is to a portal or a proxy whose own way is cut. */
const standsAfterMs = 200;
const connectTimeoutMs = 1_300;

export type ReachProbe = Disposable & {
  /** The engine is, or is no longer, out of reach. */
  watch(outOfReach: boolean): void;
};

/**
 * Looks whether the Core's address takes connections while the engine waits out its pause, and calls `onReached` when it
 * does again: a cable that was plugged back in upstream changes no address of this machine. It says so once; a Core that
 * takes connections and answers nothing is left to the engine's own pauses.
 */
export function createReachProbe(url: URL, onReached: () => void): ReachProbe {
  const port = Number(url.port) || (url.protocol === 'https:' ? 443 : 80);
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  let timer: NodeJS.Timeout | undefined;
  let looking: Socket | undefined;
  let reached = false;

  const look = (): void => {
    if (looking) return;
    const socket = connect({ host, port });
    looking = socket;
    let stands: NodeJS.Timeout | undefined;
    const end = (isReached: boolean): void => {
      if (looking !== socket) return;
      looking = undefined;
      clearTimeout(stands);
      socket.destroy();
      if (isReached && !reached && timer) onReached();
      reached = isReached;
    };
    socket.setTimeout(connectTimeoutMs, () => end(false));
    socket.once('connect', () => (stands = setTimeout(() => end(true), standsAfterMs)));
    socket.once('error', () => end(false));
    socket.once('close', () => end(false));
    // A far end that closes is only seen by a socket that is read.
    socket.resume();
  };
  const stop = (): void => {
    clearInterval(timer);
    timer = undefined;
    looking?.destroy();
    looking = undefined;
  };

  return {
    watch(outOfReach) {
      if (!outOfReach) return stop();
      if (timer) return;
      reached = false;
      timer = setInterval(look, lookEveryMs);
      look();
    },
    [Symbol.dispose]: stop,
  };
}
