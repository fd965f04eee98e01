/** Wakes the calls that wait for something new of their establishment. */
export type Bell = Disposable & {
  /** From now on each ring of this establishment counts, also before `rung` is awaited. */
  listen(establishmentId: string): BellListener;
  ring(establishmentIds: readonly string[]): void;
  ringAll(): void;
};

export type BellListener = Disposable & {
  /** Resolves at the first ring since the last call, or after `maxMs`, or when `end` is called. */
  rung(maxMs: number): Promise<void>;
  /** Lets the call go on: it is over. */
  end(): void;
  readonly isOver: boolean;
};

type Waiter = { rings: number; wake: () => void };

export function createBell(): Bell {
  const waiters = new Map<string, Set<Waiter>>();
  const over = new Set<() => void>();
  const ring = (establishmentIds: Iterable<string>): void => {
    for (const id of establishmentIds)
      for (const waiter of waiters.get(id) ?? []) {
        waiter.rings += 1;
        waiter.wake();
      }
  };
  return {
    listen(establishmentId) {
      const waiter: Waiter = { rings: 0, wake: () => {} };
      const all = waiters.get(establishmentId) ?? new Set();
      waiters.set(establishmentId, all.add(waiter));
      let isOver = false;
      const end = (): void => {
        isOver = true;
        waiter.wake();
      };
      over.add(end);
      return {
        async rung(maxMs) {
          if (waiter.rings === 0 && !isOver) {
            const { promise, resolve } = Promise.withResolvers<void>();
            waiter.wake = resolve;
            const timer = setTimeout(resolve, maxMs);
            await promise;
            clearTimeout(timer);
          }
          waiter.rings = 0;
        },
        end,
        get isOver() {
          return isOver;
        },
        [Symbol.dispose]() {
          over.delete(end);
          all.delete(waiter);
          if (all.size === 0 && waiters.get(establishmentId) === all) waiters.delete(establishmentId);
        },
      };
    },
    ring,
    ringAll: () => ring([...waiters.keys()]),
    [Symbol.dispose]() {
      for (const end of over) end();
    },
  };
}
