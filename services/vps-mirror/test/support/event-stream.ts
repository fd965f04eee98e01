import { get, type IncomingMessage } from 'node:http';

/** A customer's open event stream. */
export type EventStream = Disposable & {
  readonly response: IncomingMessage;
  /** The versions heard so far. */
  readonly versions: readonly number[];
  /** Resolves when a version of at least this was heard. */
  reached(version: number): Promise<void>;
  /** Resolves when the server ended the stream. */
  readonly ended: Promise<void>;
};

export function openEventStream(url: string): Promise<EventStream> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false }, (response) => {
      if (response.statusCode !== 200) {
        response.resume();
        reject(new Error(`the stream answered ${response.statusCode}`));
        return;
      }
      const versions: number[] = [];
      const waiting = new Set<() => void>();
      let rest = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        const blocks = (rest + part).split('\n\n');
        rest = blocks.pop() ?? '';
        for (const block of blocks) {
          const data = /^event: order\ndata: (.*)$/m.exec(block)?.[1];
          if (data !== undefined) versions.push(JSON.parse(data).version);
        }
        for (const check of waiting) check();
      });
      response.on('error', () => {});
      const reached = (version: number): Promise<void> =>
        new Promise((done) => {
          const check = (): void => {
            if (!versions.some((heard) => heard >= version)) return;
            waiting.delete(check);
            done();
          };
          waiting.add(check);
          check();
        });
      const ended = new Promise<void>((done) => response.on('close', () => done()));
      resolve({ response, versions, reached, ended, [Symbol.dispose]: () => void request.destroy() });
    });
    request.on('error', reject);
  });
}
