import { useComputed } from '@preact/signals';
import { SkeletonRows } from '@sgp/ui/skeleton.tsx';
import { useEffect, useLayoutEffect, useMemo } from 'preact/hooks';
import { useApp } from '../app-context.ts';
import type { FirstScreen } from '../app-services.ts';
import type { Shown } from '../logic/order-session.ts';
import { createWhen } from '../logic/when.ts';
import { Items } from '../parts/items.tsx';
import { NowCard } from '../parts/now-card.tsx';
import { OfflineBar } from '../parts/offline-bar.tsx';
import { Photos } from '../parts/photos.tsx';
import { PromiseChanges } from '../parts/promise-changes.tsx';
import { ShopBar } from '../parts/shop-bar.tsx';
import { Talk } from '../parts/talk.tsx';
import { Timeline } from '../parts/timeline.tsx';
import { Away } from './away.tsx';
import { DeadLink } from './dead-link.tsx';

/** One order behind its link, alive as long as it is on the screen. */
export function OrderPage({ token, hasText, onFirstScreen }: FirstScreen & { readonly token: string }) {
  const { openOrder } = useApp();
  const session = useMemo(() => openOrder(token), [token]);
  useEffect(() => () => session.close(), [session]);
  const waiting = useComputed(() => session.state.value.at === 'asking').value;
  useLayoutEffect(() => {
    if (!waiting) onFirstScreen();
  }, [waiting]);
  const state = session.state.value;
  switch (state.at) {
    case 'asking':
      return hasText ? null : <Opening />;
    case 'away':
      return <Away onRetry={() => void session.refresh()} />;
    case 'dead':
      return <DeadLink shop={state.shop} />;
    case 'shown':
      return <OrderScreen token={token} shown={state} onPhotoExpired={session.refresh} />;
  }
}

function Opening() {
  const { t } = useApp();
  return (
    <main class="pwa-main">
      <SkeletonRows label={t.value.loading} />
    </main>
  );
}

type ScreenProps = {
  readonly token: string;
  readonly shown: Shown;
  readonly onPhotoExpired: () => Promise<void>;
};

function OrderScreen({ token, shown, onPhotoExpired }: ScreenProps) {
  const { t, locale } = useApp();
  const { order, contact } = shown;
  const when = useMemo(() => createWhen(locale.value, order.shop.timeZone), [locale.value, order.shop.timeZone]);
  const title = t.value.pageTitle(t.value.headline[order.status], order.number);
  useEffect(() => {
    document.title = title;
  }, [title]);
  return (
    <>
      <a class="skip" href="#now">
        {t.value.skip}
      </a>
      <ShopBar order={order} />
      <OfflineBar shown={shown} when={when} />
      <main class="pwa-main">
        <div class="pwa-lead">
          <NowCard shown={shown} when={when} />
          <PromiseChanges order={order} when={when} />
          <Photos order={order} when={when} lost={contact === 'lost'} onExpired={onPhotoExpired} />
        </div>
        <div class="pwa-rest">
          <Timeline order={order} when={when} />
          <Items token={token} order={order} lost={contact === 'lost'} />
          <p class="center">
            <a class="t13" href="/">
              {t.value.home.other}
            </a>
          </p>
          <Talk order={order} />
        </div>
      </main>
    </>
  );
}
