import type { TrackedOrder } from '@sgp/shared/api/tracking';
import type { OrderStatus } from '@sgp/shared/order-snapshot';

/** The five steps in the customer's words (PRODUCT J4.3). `cancelled` is no step: it ends the walk where it was. */
export const steps = ['received', 'approved', 'in_production', 'ready', 'delivered'] as const;
export type Step = (typeof steps)[number];
export type StepState = 'done' | 'now' | 'todo';
export type StepView = { readonly step: Step; readonly state: StepState; readonly at: string | null };

type Progress = Pick<TrackedOrder, 'status' | 'timeline'>;

/**
 * Where the order stands on the five steps. A step that was walked back from counts as not reached, and a step that was
 * skipped is done without a time.
 */
export function stepsOf(order: Progress): readonly StepView[] {
  const reached = reachedIndex(order);
  return steps.map((step, index) => {
    const state = stateOf(index, reached, order.status);
    return { step, state, at: state === 'todo' ? null : lastTime(order, step) };
  });
}

function stateOf(index: number, reached: number, status: OrderStatus): StepState {
  if (index > reached) return 'todo';
  // The last step has nothing after it, and a cancelled order stands nowhere: all that was reached is done.
  return index === reached && status !== 'cancelled' && status !== 'delivered' ? 'now' : 'done';
}

function reachedIndex({ status, timeline }: Progress): number {
  if (status !== 'cancelled') return steps.indexOf(status);
  const before = timeline.findLast((entry) => entry.status !== 'cancelled')?.status;
  return before === undefined || before === 'cancelled' ? 0 : steps.indexOf(before);
}

export const lastTime = ({ timeline }: Progress, status: OrderStatus): string | null =>
  timeline.findLast((entry) => entry.status === status)?.at ?? null;

/** True while the promised day still matters. */
export const isOpen = ({ status }: Pick<TrackedOrder, 'status'>): boolean =>
  status === 'received' || status === 'approved' || status === 'in_production';

export type Counted = { readonly good: number; readonly total: number; readonly unit: string };

/** What the machines counted over the whole order; null when they counted nothing or the items have different units. */
export function countedOf({ items }: Pick<TrackedOrder, 'items'>): Counted | null {
  const counted = items.filter((item) => item.produced !== undefined);
  const [first] = counted;
  if (!first || items.some((item) => item.unit !== first.unit)) return null;
  const good = items.reduce((sum, { produced }) => sum + (produced?.good ?? 0), 0);
  const total = items.reduce((sum, { produced, quantity }) => sum + (produced?.total ?? quantity), 0);
  return { good: Math.min(good, total), total, unit: first.unit };
}

/** Photos of the present first, as people come back for what is new. */
export const photosOf = ({ media }: Pick<TrackedOrder, 'media'>): TrackedOrder['media'] =>
  media.toSorted((a, b) => Date.parse(b.takenAt) - Date.parse(a.takenAt));
