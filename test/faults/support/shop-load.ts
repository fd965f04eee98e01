import { createShopClient, type ShopClient } from '../../../infra/start/demo/shop-client.ts';
import { type FaultWorld, until } from './fault-world.ts';

/** The shop's people: what they do goes through the API of production-api, as from a browser. */

const owner = { name: 'Ana', login: 'ana', password: 'uma senha bem comprida', shopName: 'Oficina' } as const;

/** Signed in at the API, which runs; the owner is made where there is none. */
export async function signIn({ apiUrl }: Pick<FaultWorld, 'apiUrl'>): Promise<ShopClient> {
  const shop = createShopClient(apiUrl);
  if (await shop.needsOwner()) await shop.createOwner(owner);
  else await shop.signIn(owner.login, owner.password);
  return shop;
}

export const newOrder = (customerId: string) => ({
  customerId,
  promisedAt: Date.now() + 86_400_000,
  items: [{ description: 'Jaleco', quantity: 1, unit: 'un', unitPriceCents: 100, spec: [] }],
});

/** Load: orders are taken and moved, until it is stopped; knows the version of each that the API confirmed. */
export async function startOrdering(shop: ShopClient) {
  const { customerId } = await shop.createCustomer({ name: 'Clínica Bem Viver' });
  const confirmed = new Map<string, number>();
  let refused = 0;
  let working = true;
  const done = (async () => {
    while (working)
      try {
        const order = await shop.createOrder(newOrder(customerId));
        confirmed.set(order.orderId, order.version);
        confirmed.set(order.orderId, (await shop.move(order, 'aprovado')).version);
      } catch {
        // Not confirmed: the API was just killed, so nothing was promised.
        refused += 1;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
  })();
  return {
    confirmed: confirmed as ReadonlyMap<string, number>,
    refused: () => refused,
    /** Waits until more orders were confirmed. */
    more: (count: number) => {
      const goal = confirmed.size + count;
      return until('orders are confirmed', () => confirmed.size >= goal);
    },
    async stop() {
      working = false;
      await done;
    },
  };
}
