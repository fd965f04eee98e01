import type { Machine } from '@sgp/shared/api/machines';
import type { OrderSummary, Today as TodayData } from '@sgp/shared/api/orders';
import { Empty } from '@sgp/ui/empty.tsx';
import { Icon } from '@sgp/ui/icon.tsx';
import type { IconName } from '@sgp/ui/icon-names';
import { StatusChip } from '@sgp/ui/status-chip.tsx';
import { useEffect, useState } from 'preact/hooks';
import { useApp, useResource } from '../app-context.ts';
import { dueStatus } from '../logic/due.ts';
import { isBelieved, needsLook, sortMachines } from '../logic/machine-status.ts';
import { Loaded } from '../parts/loaded.tsx';
import { MachineRow } from '../parts/machine-row.tsx';
import { PromiseDialog } from '../parts/promise-dialog.tsx';
import { useMachines } from '../parts/use-machines.ts';
import { useNextMove } from '../parts/use-next-move.ts';
import { WeekLoad } from '../parts/week-load.tsx';

const ROWS_MAX = 8;

/** What do I solve first? Four counters that lead to lists, then the list of work, each row ending in the next act. */
export function Today() {
  const { api, session, t, format, now } = useApp();
  const today = useResource('today', api.today, (name) => name === 'order.changed');
  const machines = useMachines();
  const { orders, common } = t.value;
  const first = session.value?.user.name.split(' ')[0] ?? '';
  const hour = Number(format.value.time(now.value).split(':')[0]);
  const greeting =
    hour < 12 ? orders.greeting.morning : hour < 18 ? orders.greeting.afternoon : orders.greeting.evening;
  useEffect(() => {
    document.title = `${common.nav.today} · SGP`;
  }, [common]);
  return (
    <>
      <div class="head">
        <div>
          <h1>{greeting(first)}</h1>
          <p class="muted t13">{format.value.longDay(now.value)}</p>
        </div>
        <a class="btn primary" href="/pedidos/novo">
          <Icon name="mais" />
          {orders.newOrder} <kbd>N</kbd>
        </a>
      </div>
      <Loaded resource={today} rows={6}>
        {(data) => (
          <>
            <Counters today={data} machines={machines.data.value?.machines ?? null} />
            <div class="today">
              <WorkList today={data} />
              <div class="stack">
                <MachinesNow machines={machines.data.value?.machines ?? null} />
                <WeekLoad load={data.load} />
              </div>
            </div>
          </>
        )}
      </Loaded>
    </>
  );
}

function Counters({ today, machines }: { readonly today: TodayData; readonly machines: readonly Machine[] | null }) {
  const { t, format, now } = useApp();
  const { orders, common } = t.value;
  const oldest = today.late[0];
  const next =
    today.dueToday.find(({ promisedAt, status }) => promisedAt >= now.value && status !== 'ready') ?? today.dueToday[0];
  const stopped = machines?.filter(needsLook) ?? [];
  const silent = machines?.filter((machine) => !isBelieved(machine)).length ?? 0;
  const lateDays = oldest ? Math.max(0, -format.value.daysUntil(oldest.promisedAt, now.value)) : 0;
  const tiles: readonly {
    readonly href: string;
    readonly icon: IconName;
    readonly name: string;
    readonly count: number;
    readonly text: string;
    readonly tone: string;
  }[] = [
    {
      href: '/pedidos?filtro=atrasados',
      icon: 'atraso',
      name: orders.late,
      count: today.late.length,
      text: oldest
        ? orders.lateOldest(lateDays > 0 ? common.days(lateDays) : format.value.duration(now.value - oldest.promisedAt))
        : orders.lateNone,
      tone: 'bad',
    },
    {
      href: '/pedidos?filtro=hoje',
      icon: 'relogio',
      name: orders.dueToday,
      count: today.dueToday.length,
      text: next ? orders.dueTodayNext(format.value.time(next.promisedAt)) : orders.dueTodayNone,
      tone: 'warn',
    },
    {
      href: '/maquinas',
      icon: 'parada',
      name: orders.machinesStopped,
      count: stopped.length,
      text: stopped[0]
        ? stopped.map(({ name }) => name).join(', ')
        : machines && machines.length > 0
          ? silent > 0
            ? orders.machinesSilent(silent)
            : orders.machinesStoppedNone
          : orders.machinesNone,
      tone: 'warn',
    },
    {
      href: '/pedidos?filtro=prontos',
      icon: 'sacola',
      name: orders.readyWaiting,
      count: today.readyWaiting.length,
      text: today.readyWaiting.length > 0 ? orders.readyWaitingText : orders.readyWaitingNone,
      tone: '',
    },
  ];
  return (
    <nav class="stats" aria-label={orders.attention}>
      {tiles.map(({ href, icon, name, count, text, tone }) => (
        <a key={href} class={`stat ${count > 0 ? tone : ''}`} href={href}>
          <span>
            <Icon name={icon} />
            {name}
          </span>
          <b>{format.value.number(count, 0)}</b>
          <small class="cut">{text}</small>
        </a>
      ))}
    </nav>
  );
}

function WorkList({ today }: { readonly today: TodayData }) {
  const { t } = useApp();
  const { orders } = t.value;
  const [promise, setPromise] = useState<OrderSummary | null>(null);
  const all = today.late.length + today.dueToday.length + today.readyWaiting.length;
  const late = today.late.slice(0, ROWS_MAX);
  const due = today.dueToday.slice(0, Math.max(0, ROWS_MAX - late.length));
  const ready = today.readyWaiting
    .filter(({ orderId }) => !due.some((order) => order.orderId === orderId))
    .slice(0, Math.max(0, ROWS_MAX - late.length - due.length));
  const shown = late.length + due.length + ready.length;
  return (
    <section class="panel" aria-labelledby="fila">
      <header>
        <h2 id="fila">{orders.solveFirst}</h2>
        {shown > 0 ? <span class="faint t13">{orders.solveCount(shown, Math.max(all, shown))}</span> : null}
        <a class="push t13" href="/quadro">
          {orders.seeOnBoard}
        </a>
      </header>
      {shown === 0 ? (
        <Empty icon="ok-circulo" title={orders.nothingToSolve} text={orders.nothingToSolveText} />
      ) : (
        <div class="rows worklist">
          {late.length > 0 ? <h3 class="sub">{orders.late}</h3> : null}
          {late.map((order) => (
            <WorkRow key={order.orderId} order={order} onPropose={() => setPromise(order)} />
          ))}
          {due.length > 0 ? <h3 class="sub">{orders.dueToday}</h3> : null}
          {due.map((order) => (
            <WorkRow key={order.orderId} order={order} />
          ))}
          {ready.length > 0 ? <h3 class="sub">{orders.readyWaiting}</h3> : null}
          {ready.map((order) => (
            <WorkRow key={order.orderId} order={order} />
          ))}
        </div>
      )}
      {/* The newest that is known: a dialog that stays open must not write from an old version. */}
      {promise ? (
        <PromiseDialog
          order={today.late.find(({ orderId }) => orderId === promise.orderId) ?? promise}
          onClose={() => setPromise(null)}
        />
      ) : null}
    </section>
  );
}

/** A row ends in the next act, not in "open": a late order wants a new date, a ready one its customer, the rest their next stage. */
function WorkRow({ order, onPropose }: { readonly order: OrderSummary; readonly onPropose?: () => void }) {
  const { t, format, now } = useApp();
  const { orders } = t.value;
  const due = dueStatus(order, now.value, format.value, t.value);
  const step = useNextMove(order);
  return (
    <div>
      <b class="num">{order.number}</b>
      <div class="grow">
        <div class="cut">
          <a class="plain" href={`/pedidos/${order.orderId}`}>
            <b>{order.customer.name}</b>
          </a>
        </div>
        <div class="cut muted t13">
          {order.title} · {order.stage.label}
        </div>
      </div>
      {due ? <StatusChip {...due} /> : null}
      {onPropose ? (
        <button class="btn small" type="button" onClick={onPropose}>
          {orders.proposeDate}
        </button>
      ) : step ? (
        <button class="btn small" type="button" disabled={step.isOff} aria-busy={step.isBusy} onClick={step.act}>
          <span class="cut">{step.label}</span>
        </button>
      ) : null}
    </div>
  );
}

function MachinesNow({ machines }: { readonly machines: readonly Machine[] | null }) {
  const { t } = useApp();
  if (machines === null) return null;
  return (
    <section class="panel" aria-labelledby="maquinas-agora">
      <header>
        <h2 id="maquinas-agora">{t.value.orders.machinesNow}</h2>
        <a class="push t13" href="/maquinas">
          {t.value.common.all}
        </a>
      </header>
      {machines.length === 0 ? (
        <div class="in">
          <p class="muted t14">
            {t.value.machines.emptyText} <a href="/maquinas">{t.value.machines.connect}</a>
          </p>
        </div>
      ) : (
        <div class="rows machines">
          {sortMachines(machines)
            .slice(0, 5)
            .map((machine) => (
              <MachineRow key={machine.machineId} machine={machine} />
            ))}
        </div>
      )}
    </section>
  );
}
