import type { SyncStatus } from '@sgp/shared/sync';
import type { ShopHub } from './shop-hub.ts';

const names = ['stock.changed', 'catalogue.changed', 'conflicts.changed'] as const;
type NewsName = (typeof names)[number];

/** Tells open screens that stock, catalogue, blocks or conflicts are not what they show. */
export type SharedNews = {
  /** The same act, which tells these screens once it is committed. */
  after<Args extends readonly unknown[], Result>(
    act: (...args: Args) => Promise<Result>,
    ...about: readonly NewsName[]
  ): (...args: Args) => Promise<Result>;
  all(): void;
  /** The bridge's word: changes of the Core were applied by another process than this one. */
  heard(status: Pick<SyncStatus, 'down'>): void;
};

export function createSharedNews(hub: ShopHub, now: () => number = Date.now): SharedNews {
  let cursor: number | undefined;
  const tell = (about: readonly NewsName[]): void => {
    for (const name of about) hub.send(name, { at: now() });
  };
  return {
    after:
      (act, ...about) =>
      async (...args) => {
        const result = await act(...args);
        tell(about);
        return result;
      },
    all: () => tell(names),
    heard({ down }) {
      if (down === undefined || down.cursor === cursor) return;
      // At the first word screens have just read everything, because they reconnected.
      if (cursor !== undefined) tell(names);
      cursor = down.cursor;
    },
  };
}
