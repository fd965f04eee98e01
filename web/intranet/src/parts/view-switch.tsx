import { Icon } from '@sgp/ui/icon.tsx';
import { useApp } from '../app-context.ts';

/** The same orders two ways. */
export function ViewSwitch({ here }: { readonly here: 'board' | 'list' }) {
  const { t } = useApp();
  const { orders } = t.value;
  return (
    <nav class="seg" aria-label={orders.view}>
      <a href="/quadro" aria-current={here === 'board' ? 'page' : undefined}>
        <Icon name="quadro" size="sm" />
        {orders.viewBoard}
      </a>
      <a href="/pedidos" aria-current={here === 'list' ? 'page' : undefined}>
        <Icon name="pedidos" size="sm" />
        {orders.viewList}
      </a>
    </nav>
  );
}
