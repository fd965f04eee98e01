/** Virtual time: what is planned happens in its order, at once, without waiting. Times in ms since 1970. */
export type VirtualTime = {
  readonly now: number;
  /** `run` happens after `delayMs`; of several at one moment the first planned comes first. */
  later(delayMs: number, run: () => void): void;
  /** Lets time pass up to `endMs`, doing what is planned on the way. */
  runUntil(endMs: number): void;
};

type Planned = { readonly at: number; readonly order: number; readonly run: () => void };

export function createVirtualTime(startMs: number): VirtualTime {
  let now = startMs;
  let order = 0;
  // A binary heap: the earliest on top.
  const heap: Planned[] = [];
  const before = (a: Planned, b: Planned): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);
  const push = (item: Planned): void => {
    let at = heap.push(item) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(item, heap[parent] as Planned)) break;
      heap[at] = heap[parent] as Planned;
      at = parent;
    }
    heap[at] = item;
  };
  const pop = (): Planned => {
    const top = heap[0] as Planned;
    const last = heap.pop() as Planned;
    if (heap.length === 0) return top;
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1] as Planned, heap[child] as Planned)) child += 1;
      if (!before(heap[child] as Planned, last)) break;
      heap[at] = heap[child] as Planned;
      at = child;
    }
    heap[at] = last;
    return top;
  };
  return {
    get now() {
      return now;
    },
    later(delayMs, run) {
      push({ at: now + Math.max(0, delayMs), order: order++, run });
    },
    runUntil(endMs) {
      while (heap.length > 0 && (heap[0] as Planned).at <= endMs) {
        const next = pop();
        now = next.at;
        next.run();
      }
      now = Math.max(now, endMs);
    },
  };
}
