import type { OrderSummary } from '@sgp/shared/api/orders';
import { Empty } from '@sgp/ui/empty.tsx';
import { Icon } from '@sgp/ui/icon.tsx';
import { StatusChip } from '@sgp/ui/status-chip.tsx';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import type { OrderList } from '../api.ts';
import { useApp, useResource } from '../app-context.ts';
import { dueOf, dueStatus, orderStatus } from '../logic/due.ts';
import { filterQuery, ORDER_FILTERS, type OrderFilter, readFilter } from '../logic/order-filters.ts';
import { Loaded } from '../parts/loaded.tsx';
import { useScreenKeys } from '../parts/shortcuts.tsx';
import { ViewSwitch } from '../parts/view-switch.tsx';

const PAGE_ROWS = 50;
const ROWS_MAX = 200;
const TYPING_PAUSE_MS = 200;

/** All orders as a table; filter and search live in the address, so that a view can be kept and sent. */
export function Orders() {
  const { t } = useApp();
  const { query, route } = useLocation();
  const filter = readFilter(query['filtro']);
  const search = query['q'] ?? '';
  const { orders } = t.value;
  const go = (next: { readonly filtro?: OrderFilter; readonly q?: string }) => {
    const parameters = new URLSearchParams();
    const nextFilter = next.filtro ?? filter;
    const nextSearch = next.q ?? search;
    if (nextFilter !== 'abertos') parameters.set('filtro', nextFilter);
    if (nextSearch) parameters.set('q', nextSearch);
    const text = parameters.toString();
    route(text ? `/pedidos?${text}` : '/pedidos', true);
  };
  useEffect(() => {
    document.title = `${orders.title} · SGP`;
  }, [orders]);
  return (
    <>
      <div class="head">
        <h1>{orders.title}</h1>
        <ViewSwitch here="list" />
        <a class="btn primary" href="/pedidos/novo">
          <Icon name="mais" />
          {orders.newOrder} <kbd>N</kbd>
        </a>
      </div>
      <div class="filters">
        <SearchField value={search} onValue={(q) => go({ q })} />
        <fieldset class="scroll-x" aria-label={orders.filters}>
          <FilterChips filter={filter} onFilter={(filtro) => go({ filtro })} />
        </fieldset>
      </div>
      <OrderTable key={`${filter} ${search}`} filter={filter} search={search} onClear={() => route('/pedidos', true)} />
    </>
  );
}

function SearchField({ value, onValue }: { readonly value: string; readonly onValue: (value: string) => void }) {
  const { t } = useApp();
  const [text, setText] = useState(value);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => setText(value), [value]);
  return (
    <div class="input search">
      <Icon name="busca" size="sm" />
      <input
        type="search"
        aria-label={t.value.orders.searchOrders}
        placeholder={t.value.orders.searchOrders}
        value={text}
        onInput={(event) => {
          const next = event.currentTarget.value;
          setText(next);
          clearTimeout(timer.current);
          timer.current = setTimeout(() => onValue(next.trim()), TYPING_PAUSE_MS);
        }}
      />
    </div>
  );
}

function FilterChips({
  filter,
  onFilter,
}: {
  readonly filter: OrderFilter;
  readonly onFilter: (filter: OrderFilter) => void;
}) {
  const { t } = useApp();
  const { orders } = t.value;
  const names: Readonly<Record<OrderFilter, string>> = {
    abertos: orders.filterOpen,
    atrasados: orders.filterLate,
    hoje: orders.filterToday,
    prontos: orders.filterReady,
    entregues: orders.filterDelivered,
    cancelados: orders.filterCancelled,
    todos: orders.filterAll,
  };
  return (
    <>
      {ORDER_FILTERS.map((one) => (
        <button key={one} class="chip" type="button" aria-pressed={filter === one} onClick={() => onFilter(one)}>
          {names[one]}
        </button>
      ))}
    </>
  );
}

function OrderTable({
  filter,
  search,
  onClear,
}: {
  readonly filter: OrderFilter;
  readonly search: string;
  readonly onClear: () => void;
}) {
  const { api, t, format, now } = useApp();
  const { route } = useLocation();
  const [limit, setLimit] = useState(PAGE_ROWS);
  const [chosen, setChosen] = useState(-1);
  const body = useRef<HTMLTableSectionElement>(null);
  const resource = useResource<OrderList>(
    `orders:${filter}:${search}:${limit}`,
    // Late orders come before those of today: a page could hold none of them.
    () => api.orders({ ...filterQuery(filter), q: search, limit: filter === 'hoje' ? ROWS_MAX : limit }),
    (name) => name === 'order.changed',
  );
  const { orders } = t.value;
  const listed = resource.data.value?.orders ?? [];
  const rows =
    filter === 'hoje'
      ? listed.filter((order) => dueOf(order, now.peek(), format.peek().daysUntil).kind === 'today')
      : listed;

  const walk = (step: 1 | -1) => {
    const next = Math.min(rows.length - 1, Math.max(0, chosen + step));
    setChosen(next);
    body.current?.querySelectorAll('a')[next]?.focus();
  };
  useScreenKeys({
    j: () => walk(1),
    k: () => walk(-1),
    Enter: (event) => {
      const order = rows[chosen];
      // On a focused link or button, Enter already does what it says.
      if (order && !(event.target as Element).closest('a, button')) route(`/pedidos/${order.orderId}`);
    },
  });

  return (
    <Loaded resource={resource} rows={8}>
      {(data) =>
        rows.length === 0 ? (
          <section class="panel">
            {data.total === 0 && filter === 'abertos' && search === '' ? (
              <Empty icon="pedidos" title={orders.emptyTitle} text={orders.emptyText}>
                <a class="btn primary" href="/pedidos/novo">
                  {orders.newOrder}
                </a>
              </Empty>
            ) : (
              <Empty icon="filtro" title={orders.emptyFilter}>
                <button class="btn" type="button" onClick={onClear}>
                  {orders.clearFilters}
                </button>
              </Empty>
            )}
          </section>
        ) : (
          <>
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls has to be reachable by keyboard */}
            <section class="table orders-table" tabIndex={0} aria-label={orders.tableLabel}>
              <table>
                <thead>
                  <tr>
                    <th>{orders.columns.number}</th>
                    <th>{orders.columns.customer}</th>
                    <th class="wide-cell">{orders.columns.item}</th>
                    <th>{orders.columns.promised}</th>
                    <th>{orders.columns.stage}</th>
                    <th class="r wide-cell">{orders.columns.total}</th>
                    <th class="r wide-cell">{orders.columns.balance}</th>
                  </tr>
                </thead>
                <tbody ref={body}>
                  {rows.map((order, index) => (
                    <OrderRow
                      key={order.orderId}
                      order={order}
                      isChosen={index === chosen}
                      onOpen={() => route(`/pedidos/${order.orderId}`)}
                    />
                  ))}
                </tbody>
              </table>
            </section>
            <div class="line apart">
              <span class="muted t13">{orders.shownOf(rows.length, filter === 'hoje' ? rows.length : data.total)}</span>
              {data.nextCursor !== null && limit < ROWS_MAX ? (
                <button class="btn small" type="button" onClick={() => setLimit(Math.min(ROWS_MAX, limit + PAGE_ROWS))}>
                  {orders.loadMore}
                </button>
              ) : null}
            </div>
          </>
        )
      }
    </Loaded>
  );
}

function OrderRow({
  order,
  isChosen,
  onOpen,
}: {
  readonly order: OrderSummary;
  readonly isChosen: boolean;
  readonly onOpen: () => void;
}) {
  const { t, format, now, words } = useApp();
  const due = dueStatus(order, now.value, format.value, t.value);
  const balance = order.totalCents - order.paidCents;
  return (
    // The link in the row is the control; a click anywhere else on the row is a convenience of the mouse.
    <tr
      class={isChosen ? 'chosen' : undefined}
      onClick={(event) => {
        if (!(event.target as Element).closest('a, button')) onOpen();
      }}
    >
      <td class="num">
        <a class="plain" href={`/pedidos/${order.orderId}`}>
          <b>{order.number}</b>
        </a>
      </td>
      <td class="cut-cell">
        <span class="cut">{order.customer.name}</span>
      </td>
      <td class="cut-cell wide-cell muted">
        <span class="cut">{order.title}</span>
      </td>
      <td class="num">{due ? <StatusChip {...due} /> : format.value.day(order.promisedAt, now.value)}</td>
      <td>
        <StatusChip
          {...orderStatus(order, words.value.orderStatus)}
          text={
            order.status === 'delivered' || order.status === 'cancelled'
              ? words.value.orderStatus[order.status]
              : order.stage.label
          }
          bare
        />
      </td>
      <td class="r wide-cell">{format.value.money(order.totalCents)}</td>
      <td class={balance > 0 ? 'r wide-cell' : 'r wide-cell faint'}>{format.value.money(Math.max(0, balance))}</td>
    </tr>
  );
}
