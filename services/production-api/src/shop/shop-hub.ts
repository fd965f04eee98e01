import type { EventHub } from '@sgp/service-kit/sse';
import type { ShopEventName, ShopEvents } from '@sgp/shared/api/events';

export const shopChannel = 'shop';

/** The screens' event stream, with the events of the contract and no others. */
export type ShopHub = { send<Name extends ShopEventName>(event: Name, data: ShopEvents[Name]): void };

export const createShopHub = (hub: Pick<EventHub, 'send'>): ShopHub => ({
  send: (event, data) => hub.send(shopChannel, { event, data }),
});
