import type { Board, Order, OrderSummary, Stage } from '@sgp/shared/api/orders';
import { Empty } from '@sgp/ui/empty.tsx';
import { Icon } from '@sgp/ui/icon.tsx';
import { Notice } from '@sgp/ui/notice.tsx';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { asApiError } from '../api-error.ts';
import { useApp, useResource } from '../app-context.ts';
import { filterBoard, findCard, moveCard, placeCard, walkCards } from '../logic/board.ts';
import { currentOrder } from '../logic/conflict.ts';
import { dueOf } from '../logic/due.ts';
import { BoardCard } from '../parts/board-card.tsx';
import { BoardColumn } from '../parts/board-column.tsx';
import { useErrorText } from '../parts/failure.tsx';
import { Loaded } from '../parts/loaded.tsx';
import { MoveDialog } from '../parts/move-dialog.tsx';
import { moveWithUndo } from '../parts/order-move.ts';
import { useScreenKeys } from '../parts/shortcuts.tsx';
import { ViewSwitch } from '../parts/view-switch.tsx';

type BoardFilter = 'all' | 'late' | 'today';
type Trouble = { readonly title: string; readonly text: string; readonly code: string };

/** Where is each order? Every move is drawn at once, and taken back in sight when the server refuses it. */
export function BoardPage() {
  const { api, t } = useApp();
  const { orders } = t.value;
  const resource = useResource('board', api.board, (name) => name === 'order.changed');
  useEffect(() => {
    document.title = `${orders.boardTitle} · SGP`;
  }, [orders]);
  return (
    <>
      <div class="head">
        <h1>{orders.boardTitle}</h1>
        <ViewSwitch here="board" />
        <a class="btn primary" href="/pedidos/novo">
          <Icon name="mais" />
          {orders.newOrder} <kbd>N</kbd>
        </a>
      </div>
      <Loaded resource={resource} rows={6}>
        {(board) => <BoardView board={board} onBoard={resource.set} onReload={resource.refresh} />}
      </Loaded>
    </>
  );
}

type BoardViewProps = {
  readonly board: Board;
  readonly onBoard: (board: Board) => void;
  readonly onReload: () => Promise<void>;
};

function BoardView({ board, onBoard, onReload }: BoardViewProps) {
  const app = useApp();
  const { t, format, now, contact, resources } = app;
  const { route } = useLocation();
  const [filter, setFilter] = useState<BoardFilter>('all');
  const [chosen, setChosen] = useState<string | null>(null);
  const [moving, setMoving] = useState<OrderSummary | null>(null);
  const [lastMoved, setLastMoved] = useState<string | null>(null);
  const [trouble, setTrouble] = useState<Trouble | null>(null);
  const errorText = useErrorText();
  const { orders } = t.value;
  // The move runs on after this render: it must see the newest board, not the one it started from.
  const current = useRef(board);
  current.current = board;
  // In its new column the card is a new element: whoever moved it by keyboard goes on from there.
  const focusNext = useRef<string | null>(null);
  useEffect(() => {
    const card = focusNext.current ? document.getElementById(`cartao-${focusNext.current}`) : null;
    if (!card || document.activeElement !== document.body) return;
    focusNext.current = null;
    card.focus({ preventScroll: true });
  });

  const stages: readonly Stage[] = board.columns.map(({ stage }) => stage);
  const kindOf = (order: OrderSummary) => dueOf(order, now.peek(), format.peek().daysUntil).kind;
  const all = board.columns.flatMap((column) => column.orders);
  const counts = {
    all: all.length,
    late: all.filter((order) => kindOf(order) === 'late').length,
    today: all.filter((order) => kindOf(order) === 'today').length,
  };
  const shown = filter === 'all' ? board : filterBoard(board, (order) => kindOf(order) === filter);

  async function move(orderId: string, to: string) {
    const before = findCard(current.current, orderId);
    if (!before || before.stage.key === to || contact.state.peek() === 'away') return;
    setTrouble(null);
    onBoard(moveCard(current.current, orderId, to));
    setLastMoved(orderId);
    focusNext.current = orderId;
    const settle = (result: Order | Error) => {
      if (result instanceof Error) void fail(before, result);
      else onBoard(placeCard(current.current, result));
      void resources.refresh('today');
    };
    try {
      settle(
        await moveWithUndo(
          app,
          { orderId, number: before.number, version: before.version, stageKey: before.stage.key },
          to,
          settle,
        ),
      );
    } catch (cause) {
      onBoard(placeCard(current.current, before));
      await fail(before, cause);
    }
  }

  /** The card is back; the notice says why, and where the order really is. */
  async function fail(before: OrderSummary, cause: unknown) {
    const { code } = asApiError(cause);
    await onReload();
    // A conflict brings the order as it is; the board of this render may still be the one before.
    const real = currentOrder(cause) ?? findCard(current.current, before.orderId);
    const conflict = code === 'VERSION_CONFLICT';
    setTrouble({
      title: conflict ? orders.moveConflict(before.number) : orders.moveFailed(before.number),
      text: conflict
        ? orders.moveConflictText(real?.stage.label ?? before.stage.label)
        : `${errorText(code)} ${orders.moveFailedText}`,
      code,
    });
    setLastMoved(real ? before.orderId : null);
  }

  const walk = (step: 1 | -1) => {
    const next = walkCards(shown, chosen, step);
    setChosen(next);
    if (next) document.getElementById(`cartao-${next}`)?.focus();
  };
  useScreenKeys({
    j: () => walk(1),
    k: () => walk(-1),
    m: (event) => {
      const order = chosen ? findCard(board, chosen) : null;
      if (order) {
        event.preventDefault();
        setMoving(order);
      }
    },
    Enter: (event) => {
      if (chosen && (event.target as Element).id === `cartao-${chosen}`) route(`/pedidos/${chosen}`);
    },
  });

  if (counts.all === 0 && all.length === 0) {
    return (
      <section class="panel">
        <Empty icon="quadro" title={orders.boardEmpty} text={orders.boardEmptyText}>
          <a class="btn" href="/pedidos/novo">
            {orders.newOrder}
          </a>
        </Empty>
      </section>
    );
  }
  const chips: readonly (readonly [BoardFilter, string, 'atraso' | 'relogio' | null])[] = [
    ['all', orders.filterAll, null],
    ['late', orders.filterLate, 'atraso'],
    ['today', orders.filterToday, 'relogio'],
  ];
  return (
    <>
      {trouble ? (
        <Notice
          tone="warn"
          icon="troca"
          title={trouble.title}
          action={
            <button
              class="btn small quiet square"
              type="button"
              aria-label={t.value.common.close}
              onClick={() => setTrouble(null)}
            >
              <Icon name="fechar" size="sm" />
            </button>
          }
        >
          {trouble.text} <span class="muted code">{trouble.code}</span>
        </Notice>
      ) : null}
      <fieldset class="scroll-x" aria-label={orders.filters}>
        {chips.map(([name, label, icon]) => (
          <button key={name} class="chip" type="button" aria-pressed={filter === name} onClick={() => setFilter(name)}>
            {icon ? <Icon name={icon} size="sm" /> : null}
            {label} <b>{counts[name]}</b>
          </button>
        ))}
      </fieldset>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls has to be reachable by keyboard */}
      <section class="board" aria-label={orders.boardLabel} tabIndex={0}>
        {shown.columns.map(({ stage, orders: cards }) => (
          <BoardColumn
            key={stage.key}
            stage={stage}
            count={cards.length}
            onDrop={(orderId) => void move(orderId, stage.key)}
          >
            {cards.map((order) => (
              <BoardCard
                key={order.orderId}
                order={order}
                isMoved={order.orderId === lastMoved}
                onChoose={() => setChosen(order.orderId)}
                onMove={() => setMoving(order)}
              />
            ))}
          </BoardColumn>
        ))}
      </section>
      {moving ? (
        <MoveDialog
          order={moving}
          stages={stages}
          onMove={(to) => void move(moving.orderId, to)}
          onClose={() => setMoving(null)}
        />
      ) : null}
    </>
  );
}
