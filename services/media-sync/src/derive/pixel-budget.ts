/**
 * Memory and cores that decoding may take. Memory is counted in pixels: a few small pictures share it, a huge one has it
 * alone.
 */
export type PixelBudget = {
  /** Runs `work` when `pixels` fit; in the order of asking, so that a huge picture is not passed over for ever. */
  spend<Result>(pixels: number, work: () => Promise<Result>): Promise<Result>;
};

/**
 * @param totalPixels what may be in work at once; a picture of more than this runs alone
 * @param atOnceMax pictures in work at once, however small
 */
export function createPixelBudget(totalPixels: number, atOnceMax: number): PixelBudget {
  let free = totalPixels;
  let working = 0;
  const waiting: { readonly cost: number; readonly start: () => void }[] = [];
  const startNext = (): void => {
    for (let next = waiting[0]; next && next.cost <= free && working < atOnceMax; next = waiting[0]) {
      waiting.shift();
      free -= next.cost;
      working += 1;
      next.start();
    }
  };
  return {
    async spend(pixels, work) {
      const cost = Math.min(pixels, totalPixels);
      await new Promise<void>((start) => {
        waiting.push({ cost, start });
        startNext();
      });
      try {
        return await work();
      } finally {
        free += cost;
        working -= 1;
        startNext();
      }
    },
  };
}
