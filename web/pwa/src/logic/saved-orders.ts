import type { TrackedOrder } from '@sgp/shared/api/tracking';
import type { ShopContact } from './contact.ts';

/** What this device keeps of an order, to show it without the Internet. Prices are never kept. */
export type SavedOrder = { readonly token: string; readonly order: TrackedOrder; readonly checkedAt: number };

export type SavedOrders = {
  find(token: string): SavedOrder | null;
  /** Keeps the newest state and forgets the orders that were not opened for longest. */
  save(saved: SavedOrder): void;
  /** The link is dead: the order goes, and whom to ask for a new link stays. */
  bury(token: string): void;
  /** Whom to ask about a dead link that this device once showed. */
  shopOf(token: string): ShopContact | null;
  /** Last opened first. */
  all(): readonly SavedOrder[];
  forgetAll(): void;
};

type Entry = {
  readonly token: string;
  readonly shop: ShopContact;
  readonly checkedAt: number;
  readonly order: TrackedOrder | null;
};
type Box = { readonly version: typeof boxVersion; readonly entries: readonly Entry[] };

/** Goes up when the shape below changes; a box of another version is as good as empty, for the server has it all. */
const boxVersion = 1;
const boxKey = 'sgp.orders';
/** A household's orders; each is a few kilobytes of the 5 MB that browsers give. */
export const savedOrdersMax = 6;

export type Storage = Pick<globalThis.Storage, 'getItem' | 'setItem' | 'removeItem'>;

/** The device's own copy, in one entry of the browser's storage. A browser that offers none costs only the offline view. */
export function createSavedOrders(storage: Storage | null): SavedOrders {
  const read = (): readonly Entry[] => {
    try {
      const box = JSON.parse(storage?.getItem(boxKey) ?? 'null') as Partial<Box> | null;
      return box?.version === boxVersion && Array.isArray(box.entries) ? box.entries : [];
    } catch {
      return [];
    }
  };
  const write = (entries: readonly Entry[]): void => {
    try {
      storage?.setItem(boxKey, JSON.stringify({ version: boxVersion, entries } satisfies Box));
    } catch {
      // Full or forbidden: the page works from the server alone.
    }
  };
  const put = (entry: Entry): void =>
    write([entry, ...read().filter(({ token }) => token !== entry.token)].slice(0, savedOrdersMax));
  const toSaved = ({ token, order, checkedAt }: Entry): SavedOrder | null =>
    order === null ? null : { token, order, checkedAt };
  return {
    find(token) {
      const entry = read().find((each) => each.token === token);
      return entry ? toSaved(entry) : null;
    },
    save({ token, order, checkedAt }) {
      const { name, phone, whatsapp } = order.shop;
      put({ token, shop: { name, phone, whatsapp }, checkedAt, order });
    },
    bury(token) {
      const entry = read().find((each) => each.token === token);
      if (entry) put({ ...entry, order: null });
    },
    shopOf: (token) => read().find((each) => each.token === token)?.shop ?? null,
    all: () => read().flatMap((entry) => toSaved(entry) ?? []),
    forgetAll() {
      try {
        storage?.removeItem(boxKey);
      } catch {
        // A storage that cannot be written holds nothing of ours.
      }
    },
  };
}
