import { type ReadonlySignal, signal } from '@preact/signals';
import type { TrackedOrder } from '@sgp/shared/api/tracking';
import type { ShopContact } from './contact.ts';
import type { SavedOrders } from './saved-orders.ts';
import type { TrackingClient } from './tracking-client.ts';

/** `asking`: a saved copy is on the screen and the answer is on its way. `lost`: the mirror cannot be reached now. */
export type Contact = 'asking' | 'live' | 'lost';

export type OrderState =
  | { readonly at: 'asking' }
  | { readonly at: 'shown'; readonly order: TrackedOrder; readonly checkedAt: number; readonly contact: Contact }
  | { readonly at: 'dead'; readonly shop: ShopContact | null }
  /** Nothing is saved here and nobody answers. */
  | { readonly at: 'away' };

/** The state in which an order is on the screen. */
export type Shown = Extract<OrderState, { at: 'shown' }>;

/** The part of EventSource (HTML Living Standard §9.2) that the session uses. */
export type OrderEvents = {
  onVersion: (version: number) => void;
  /** The stream broke and the browser opens it again by itself. */
  onBreak: () => void;
  /** The stream was refused; nobody opens it again but us. */
  onEnd: () => void;
  close(): void;
};

export type OrderSessionDeps = {
  readonly client: Pick<TrackingClient, 'order'>;
  readonly saved: Pick<SavedOrders, 'find' | 'save' | 'bury' | 'shopOf'>;
  /** Removes the photos of an order from this device. */
  readonly forgetPhotos: (mediaIds: readonly string[]) => void;
  readonly openEvents: (token: string) => OrderEvents;
  readonly now: () => number;
  readonly setTimer: (act: () => void, ms: number) => () => void;
};

export type OrderSession = {
  readonly state: ReadonlySignal<OrderState>;
  /** Asks the mirror; calls while one is under way share its answer. */
  refresh(): Promise<void>;
  /** The page came back to the screen, or the network did. */
  wake(): void;
  /** The network said that it is gone. */
  lost(): void;
  close(): void;
};

/** After a refusal of the stream (too many, being replaced) the mirror is left alone for this long. */
const reopenAfterMs = 10_000;
/** Addresses of photos live 5 to 10 minutes: an older answer is asked for again when the page comes back. */
const staleAfterMs = 60_000;

/**
 * One order on the screen: the saved copy at once, then the mirror's answer, then every change by its event stream.
 * What the mirror says wins; silence keeps what was shown and says since when.
 */
export function createOrderSession(token: string, deps: OrderSessionDeps): OrderSession {
  const copy = deps.saved.find(token);
  const state = signal<OrderState>(copy ? { at: 'shown', ...pick(copy), contact: 'asking' } : { at: 'asking' });
  let events: OrderEvents | null = null;
  let cancelTimer = (): void => {};
  let asking: Promise<void> | null = null;
  let ended = false;

  const show = (order: TrackedOrder): void => {
    const checkedAt = deps.now();
    deps.saved.save({ token, order, checkedAt });
    state.value = { at: 'shown', order, checkedAt, contact: 'live' };
  };
  const confirm = (): void => {
    if (state.value.at === 'shown') show(state.value.order);
  };
  const lost = (): void => {
    const { value } = state;
    if (value.at === 'shown') state.value = { ...value, contact: 'lost' };
    else if (value.at === 'asking') state.value = { at: 'away' };
  };
  const die = (): void => {
    const shop = deps.saved.shopOf(token);
    if (state.value.at === 'shown') deps.forgetPhotos(state.value.order.media.map(({ mediaId }) => mediaId));
    deps.saved.bury(token);
    end();
    state.value = { at: 'dead', shop };
  };
  const end = (): void => {
    ended = true;
    cancelTimer();
    events?.close();
    events = null;
  };
  const ask = async (): Promise<void> => {
    const answer = await deps.client.order(token);
    if (ended) return;
    switch (answer.kind) {
      case 'order':
        return show(answer.order);
      case 'dead':
        return die();
      case 'silent':
        return lost();
    }
  };
  const refresh = (): Promise<void> => {
    asking ??= ask().finally(() => {
      asking = null;
    });
    return asking;
  };
  const onVersion = async (version: number): Promise<void> => {
    const shown = (): boolean => state.value.at === 'shown' && state.value.order.version >= version;
    if (shown() && state.value.at === 'shown' && state.value.contact !== 'asking') return confirm();
    await refresh();
    // The answer that was under way may be older than this event.
    if (!ended && !shown() && state.value.at === 'shown' && state.value.contact === 'live') await refresh();
  };
  const listen = (): void => {
    if (ended || events) return;
    events = deps.openEvents(token);
    events.onVersion = (version) => void onVersion(version);
    // The browser opens it again every two seconds; asking once tells whether the order can still be reached.
    events.onBreak = () => {
      if (state.value.at === 'shown' && state.value.contact !== 'lost') void refresh();
    };
    events.onEnd = () => {
      events?.close();
      events = null;
      void refresh();
      cancelTimer();
      cancelTimer = deps.setTimer(listen, reopenAfterMs);
    };
  };

  void refresh();
  listen();
  return {
    state,
    refresh,
    wake() {
      if (ended) return;
      const { value } = state;
      const fresh = value.at === 'shown' && value.contact === 'live' && deps.now() - value.checkedAt < staleAfterMs;
      if (!fresh) void refresh();
      listen();
    },
    lost,
    close: end,
  };
}

const pick = ({ order, checkedAt }: { readonly order: TrackedOrder; readonly checkedAt: number }) => ({
  order,
  checkedAt,
});
