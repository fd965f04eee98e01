import type { ServerResponse } from 'node:http';
import { limits } from '@sgp/shared/limits';

/** Open event streams by session, so that a stream ends with the session it was opened under (SECURITY A12). */
export type SessionStreams = Disposable & {
  add(sessionId: string, stream: ServerResponse): void;
  /** Ends the streams whose sessions are no longer live; runs by itself every minute and when sessions were ended. */
  sweep(): void;
};

export function createSessionStreams(
  liveAmong: (sessionIds: readonly string[]) => Promise<ReadonlySet<string>>,
  onError: (error: unknown) => void,
): SessionStreams {
  const streams = new Map<ServerResponse, string>();
  const endDead = async (): Promise<void> => {
    if (streams.size === 0) return;
    const live = await liveAmong([...new Set(streams.values())]);
    for (const [stream, sessionId] of streams) if (!live.has(sessionId)) stream.end();
  };
  const sweep = (): void => {
    endDead().catch(onError);
  };
  const timer = setInterval(sweep, limits.sessionTouchMs);
  timer.unref();
  return {
    add(sessionId, stream) {
      streams.set(stream, sessionId);
      stream.on('close', () => streams.delete(stream));
    },
    sweep,
    [Symbol.dispose]: () => clearInterval(timer),
  };
}
