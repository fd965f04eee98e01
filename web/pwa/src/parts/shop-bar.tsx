import type { TrackedOrder } from '@sgp/shared/api/tracking';
import { initials } from '@sgp/ui/format';
import { useApp } from '../app-context.ts';

export function ShopBar({ order }: { readonly order: TrackedOrder }) {
  const { t } = useApp();
  return (
    <header class="pwa-top">
      <span class="shop" aria-hidden="true">
        {initials(order.shop.name)}
      </span>
      <div class="cut">
        <b>{order.shop.name}</b>
        <small>{t.value.order(order.number)}</small>
      </div>
    </header>
  );
}
