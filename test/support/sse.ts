import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';

export type HeardEvent = { readonly event: string; readonly data: unknown; readonly at: number };

/** Listens to server-sent events as a program would; resolves once the stream is open. */
export async function listenEvents(
  url: string,
  cookie?: string,
): Promise<
  Disposable & {
    readonly heard: readonly HeardEvent[];
    next(event: string, fits?: (data: never) => boolean): Promise<HeardEvent>;
  }
> {
  const abort = new AbortController();
  const response = await fetch(url, { signal: abort.signal, headers: cookie ? { cookie } : {} });
  if (!response.ok || !response.body) throw new Error(`${url}: ${response.status}`);
  const heard: HeardEvent[] = [];
  const waiting = new Set<() => void>();
  const read = async (): Promise<void> => {
    let event = '';
    for await (const line of createInterface({ input: Readable.fromWeb(response.body as never) })) {
      if (line.startsWith('event: ')) event = line.slice(7);
      if (!line.startsWith('data: ')) continue;
      heard.push({ event, data: JSON.parse(line.slice(6)), at: performance.now() });
      for (const wake of waiting) wake();
    }
  };
  read().catch(() => {}); // the stream ends when it is disposed or the server goes
  return {
    heard,
    async next(event, fits = () => true) {
      const from = heard.length;
      for (;;) {
        const found = heard.slice(from).find((each) => each.event === event && fits(each.data as never));
        if (found) return found;
        await new Promise<void>((resolve) => {
          const wake = (): void => {
            waiting.delete(wake);
            resolve();
          };
          waiting.add(wake);
        });
      }
    },
    [Symbol.dispose]: () => abort.abort(),
  };
}
