import { dropTargetForElements } from '@atlaskit/pragmatic-drag-and-drop/element/adapter';
import type { Stage } from '@sgp/shared/api/orders';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useApp } from '../app-context.ts';

type BoardColumnProps = {
  readonly stage: Stage;
  readonly count: number;
  readonly onDrop: (orderId: string) => void;
  readonly children: ComponentChildren;
};

/** A stage of the board, and where a card may be dropped. The order inside is the promise's, so a drop needs no place. */
export function BoardColumn({ stage, count, onDrop, children }: BoardColumnProps) {
  const { t } = useApp();
  const ref = useRef<HTMLElement>(null);
  const [isOver, setOver] = useState(false);
  const drop = useRef(onDrop);
  drop.current = onDrop;
  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    return dropTargetForElements({
      element,
      canDrop: ({ source }) => source.data['stageKey'] !== stage.key,
      onDragEnter: () => setOver(true),
      onDragLeave: () => setOver(false),
      onDrop: ({ source }) => {
        setOver(false);
        const { orderId } = source.data;
        if (typeof orderId === 'string') drop.current(orderId);
      },
    });
  }, [stage.key]);
  return (
    <section ref={ref} class={isOver ? 'col over' : 'col'} aria-label={stage.label} data-stage={stage.key}>
      <header>
        <h2>{stage.label}</h2>
        <small>
          <span aria-hidden="true">{count}</span>
          <span class="sr">{t.value.common.orders(count)}</span>
        </small>
      </header>
      {isOver ? <div class="slot">{t.value.orders.columnEmpty}</div> : null}
      {children}
    </section>
  );
}
