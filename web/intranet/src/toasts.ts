import { type ReadonlySignal, signal } from '@preact/signals';
import type { IconName } from '@sgp/ui/icon-names';

export type Toast = {
  readonly id: number;
  readonly icon: IconName;
  readonly text: string;
  readonly endsAt: number;
  readonly undo?: () => void;
};

export type Toasts = {
  readonly current: ReadonlySignal<Toast | null>;
  readonly show: (toast: { readonly icon: IconName; readonly text: string; readonly undo?: () => void }) => void;
  readonly dismiss: () => void;
};

/** "Desfazer" instead of "Tem certeza?": ten seconds to take it back (UI rule). */
export const UNDO_MS = 10_000;
const READ_MS = 4_000;

/** One toast at a time; a newer one replaces the older, whose act stands. */
export function createToasts(clock: () => number): Toasts {
  const current = signal<Toast | null>(null);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let lastId = 0;
  const dismiss = () => {
    clearTimeout(timer);
    current.value = null;
  };
  return {
    current,
    dismiss,
    show: ({ icon, text, undo }) => {
      clearTimeout(timer);
      const life = undo ? UNDO_MS : READ_MS;
      const id = ++lastId;
      current.value = { id, icon, text, endsAt: clock() + life, ...(undo ? { undo } : {}) };
      timer = setTimeout(() => {
        if (current.peek()?.id === id) current.value = null;
      }, life);
    },
  };
}
