import type { TrackedOrder, unlockedSchema } from '@sgp/shared/api/tracking';
import type { infer as Infer } from 'zod';

export type Unlocked = Infer<typeof unlockedSchema>;

/** What the mirror said about a link. `silent`: nothing came, or nothing that is an answer. */
export type OrderAnswer =
  | { readonly kind: 'order'; readonly order: TrackedOrder }
  | { readonly kind: 'dead' }
  | { readonly kind: 'silent' };

export type UnlockAnswer =
  | { readonly kind: 'unlocked'; readonly money: Unlocked }
  | { readonly kind: 'wrong' }
  | { readonly kind: 'wait'; readonly seconds: number }
  | { readonly kind: 'dead' }
  | { readonly kind: 'silent' };

export type TrackingClient = {
  order(token: string): Promise<OrderAnswer>;
  /** @param last4 the last four digits of the customer's phone */
  unlock(token: string, last4: string): Promise<UnlockAnswer>;
};

/** An answer that takes longer counts as silence: the page shows its saved copy and asks again later. */
const answerMaxMs = 15_000;
const defaultWaitS = 60;

/** The mirror's API of one link (`@sgp/shared/api/tracking`). It never throws: silence is an answer too. */
export function createTrackingClient(fetch: typeof globalThis.fetch): TrackingClient {
  const call = async (token: string, tail: string, init: RequestInit = {}): Promise<Response | null> => {
    try {
      return await fetch(`/api/tracking/${token}${tail}`, {
        cache: 'no-store',
        credentials: 'omit',
        signal: AbortSignal.timeout(answerMaxMs),
        ...init,
        headers: { accept: 'application/json', ...init.headers },
      });
    } catch {
      return null;
    }
  };
  const body = async <Body>(response: Response): Promise<Body | null> =>
    response.json().catch(() => null) as Promise<Body | null>;
  return {
    async order(token) {
      const response = await call(token, '');
      if (response?.status === 404) return { kind: 'dead' };
      const order = response?.ok ? await body<TrackedOrder>(response) : null;
      return order ? { kind: 'order', order } : { kind: 'silent' };
    },
    async unlock(token, last4) {
      const response = await call(token, '/unlock', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ last4 }),
      });
      switch (response?.status) {
        case 403:
          return { kind: 'wrong' };
        case 404:
          return { kind: 'dead' };
        case 429:
          return { kind: 'wait', seconds: Number(response.headers.get('retry-after')) || defaultWaitS };
      }
      const money = response?.ok ? await body<Unlocked>(response) : null;
      return money ? { kind: 'unlocked', money } : { kind: 'silent' };
    },
  };
}
