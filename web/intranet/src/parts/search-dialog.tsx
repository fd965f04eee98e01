import type { Customer, OrderSummary } from '@sgp/shared/api/orders';
import { Dialog } from '@sgp/ui/dialog.tsx';
import { formatPhone } from '@sgp/ui/format';
import { Icon } from '@sgp/ui/icon.tsx';
import { StatusChip } from '@sgp/ui/status-chip.tsx';
import { useEffect, useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { asApiError } from '../api-error.ts';
import { useApp } from '../app-context.ts';
import { orderStatus } from '../logic/due.ts';
import { useErrorText } from './failure.tsx';
import { Option } from './option.tsx';

type Found = {
  readonly text: string;
  readonly orders: readonly OrderSummary[];
  readonly customers: readonly Customer[];
};

const PAUSE_MS = 160;

/** One field for number, customer and phone; arrows choose, Enter opens. */
export function SearchDialog({ onClose }: { readonly onClose: () => void }) {
  const { api, t, words } = useApp();
  const { route } = useLocation();
  const [text, setText] = useState('');
  const [found, setFound] = useState<Found | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  const [chosen, setChosen] = useState(0);
  const errorText = useErrorText();
  const { search } = t.value.common;

  useEffect(() => {
    const query = text.trim();
    if (query.length < 2) {
      setFound(null);
      return;
    }
    const abort = new AbortController();
    const timer = setTimeout(() => {
      Promise.all([
        api.orders({ q: query, limit: 8 }, abort.signal),
        api.customers({ q: query, limit: 5 }, abort.signal),
      ]).then(
        ([{ orders }, { customers }]) => {
          setFound({ text: query, orders, customers });
          setFailure(null);
          setChosen(0);
        },
        (error: unknown) => {
          if (!abort.signal.aborted) setFailure(errorText(asApiError(error).code));
        },
      );
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [text]);

  const hits = found
    ? [
        ...found.orders.map((order) => ({
          id: order.orderId,
          href: `/pedidos/${order.orderId}`,
          order,
          customer: null,
        })),
        ...found.customers.map((customer) => ({
          id: customer.customerId,
          href: `/clientes?q=${encodeURIComponent(customer.name)}`,
          order: null,
          customer,
        })),
      ]
    : [];
  const open = (index: number) => {
    const hit = hits[index];
    if (!hit) return;
    onClose();
    route(hit.href);
  };

  return (
    <Dialog title={search.title} onClose={onClose} wide>
      <div class="input">
        <Icon name="busca" />
        <input
          role="combobox"
          autocomplete="off"
          aria-expanded={hits.length > 0}
          aria-controls="achados"
          aria-activedescendant={hits[chosen] ? `achado-${chosen}` : undefined}
          aria-label={search.placeholder}
          placeholder={search.placeholder}
          value={text}
          autofocus
          onInput={(event) => setText(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === 'ArrowDown') setChosen((at) => Math.min(at + 1, hits.length - 1));
            else if (event.key === 'ArrowUp') setChosen((at) => Math.max(at - 1, 0));
            else if (event.key === 'Enter') open(chosen);
            else return;
            event.preventDefault();
          }}
        />
      </div>
      {failure ? (
        <p class="error" role="alert">
          <Icon name="alerta" />
          <span>{failure}</span>
        </p>
      ) : null}
      {hits.length > 0 ? (
        <div class="list flat" id="achados" role="listbox" aria-label={search.title}>
          {hits.map((hit, index) => (
            <Option
              key={hit.id}
              id={`achado-${index}`}
              isChosen={index === chosen}
              onPoint={() => setChosen(index)}
              onChoose={() => open(index)}
            >
              <Icon name={hit.order ? 'pedidos' : 'usuario'} size="sm" />
              {hit.order ? (
                <>
                  <b class="num">{hit.order.number}</b>
                  <span class="grow cut">
                    {hit.order.customer.name} <span class="muted">{hit.order.title}</span>
                  </span>
                  <span class="wide-only">
                    <StatusChip {...orderStatus(hit.order, words.value.orderStatus)} />
                  </span>
                </>
              ) : (
                <>
                  <span class="grow cut">{hit.customer.name}</span>
                  <span class="muted t13 num">{hit.customer.phone ? formatPhone(hit.customer.phone) : ''}</span>
                </>
              )}
            </Option>
          ))}
        </div>
      ) : (
        <p class="hint" role="status">
          {found ? search.nothing(found.text) : search.hint}
        </p>
      )}
    </Dialog>
  );
}
