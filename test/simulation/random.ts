/** Chance from a seed: the same seed always gives the same numbers (mulberry32). */
export type Random = {
  /** In [0, 1). */
  next(): number;
  /** Whole number in [min, max]. */
  int(min: number, max: number): number;
  chance(probability: number): boolean;
  pick<T>(from: readonly T[]): T;
  /** Another stream of numbers, so that drawing more from one does not shift the other. */
  fork(name: string): Random;
};

export function createRandom(seed: number): Random {
  let state = seed | 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let x = Math.imul(state ^ (state >>> 15), 1 | state);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
  const int = (min: number, max: number): number => min + Math.floor(next() * (max - min + 1));
  return {
    next,
    int,
    chance: (probability) => next() < probability,
    pick: (from) => from[int(0, from.length - 1)] as never,
    fork(name) {
      let hash = seed ^ 0x9e3779b9;
      for (const char of name) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193);
      return createRandom(hash);
    },
  };
}

/** A UUIDv7 by number: sorts by it, and is the same in every run. */
export function idOf(kind: number, number: number): string {
  const high = number.toString(16).padStart(12, '0');
  const tail = kind.toString(16).padStart(4, '0') + number.toString(16).padStart(8, '0');
  return `${high.slice(0, 8)}-${high.slice(8)}-7000-8000-${tail}`;
}
