import { AppError } from '@sgp/shared/errors';
import { limits } from '@sgp/shared/limits';
import type { Context } from 'koa';

/** Server-sent events (HTML Living Standard §9.2): many open streams that hear the same news, by channel. */
export type EventHub = Disposable & {
  /** Turns the request into a stream of `channel` and sends `first` at once. */
  attach(ctx: Context, channel: string, first: readonly SseEvent[]): void;
  /** Sends to every stream of `channel`. A stream that cannot keep up is ended: the browser reconnects and reads afresh. */
  send(channel: string, event: SseEvent): void;
  readonly size: number;
};
export type SseEvent = { readonly event: string; readonly data: unknown; readonly id?: string };

/** Bytes waiting in one stream before it counts as stuck. */
const streamBacklogMaxBytes = 1024 * 1024;

const format = ({ event, data, id }: SseEvent): string =>
  `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;

export function createEventHub(): EventHub {
  const channels = new Map<string, Set<Context['res']>>();
  let size = 0;
  const drop = (channel: string, stream: Context['res']): void => {
    const streams = channels.get(channel);
    if (!streams?.delete(stream)) return;
    size -= 1;
    if (streams.size === 0) channels.delete(channel);
  };
  const each = (write: (stream: Context['res'], channel: string) => void): void => {
    for (const [channel, streams] of channels) for (const stream of streams) write(stream, channel);
  };
  const write = (stream: Context['res'], text: string): void => {
    if (stream.writableLength > streamBacklogMaxBytes) stream.destroy();
    else stream.write(text);
  };
  const heartbeat = setInterval(() => each((stream) => write(stream, ':\n\n')), limits.eventStreamHeartbeatMs);
  heartbeat.unref();

  return {
    attach(ctx, channel, first) {
      if (size >= limits.eventStreamsMax)
        throw new AppError('UNAVAILABLE', 'Too many open event streams; try again in a minute.', {
          details: { retryAfterS: 60 },
        });
      ctx.respond = false;
      ctx.req.socket.setNoDelay(true);
      ctx.res.writeHead(200, {
        ...(ctx.response.headers as Record<string, string>),
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      });
      ctx.res.write(`retry: 2000\n\n${first.map(format).join('')}`);
      const streams = channels.get(channel) ?? new Set();
      channels.set(channel, streams.add(ctx.res));
      size += 1;
      ctx.res.on('close', () => drop(channel, ctx.res));
    },
    send(channel, event) {
      const streams = channels.get(channel);
      if (!streams) return;
      const text = format(event);
      for (const stream of streams) write(stream, text);
    },
    get size() {
      return size;
    },
    [Symbol.dispose]() {
      clearInterval(heartbeat);
      each((stream) => stream.end());
    },
  };
}
