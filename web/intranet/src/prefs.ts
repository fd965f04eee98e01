import { type Signal, signal } from '@preact/signals';

export const THEMES = ['sistema', 'claro', 'escuro'] as const;
export type Theme = (typeof THEMES)[number];

/** What this browser remembers about how a person likes the screen. Nothing here is business data. */
export type Prefs = {
  readonly theme: Signal<Theme>;
  /** WCAG 2.1.4: single-key shortcuts can be turned off. */
  readonly shortcuts: Signal<boolean>;
  readonly setTheme: (theme: Theme) => void;
  readonly setShortcuts: (on: boolean) => void;
  readonly read: (key: string) => string | null;
  readonly write: (key: string, value: string | null) => void;
};

/** @param storage absent in a browser that forbids it: then nothing is remembered and everything works. */
export function createPrefs(storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'> | null): Prefs {
  const read = (key: string) => {
    try {
      return storage?.getItem(`sgp.${key}`) ?? null;
    } catch {
      return null;
    }
  };
  const write = (key: string, value: string | null) => {
    try {
      if (value === null) storage?.removeItem(`sgp.${key}`);
      else storage?.setItem(`sgp.${key}`, value);
    } catch {
      // A full or forbidden storage costs the convenience, never the work.
    }
  };
  const theme = signal<Theme>(THEMES.find((known) => known === read('theme')) ?? 'sistema');
  const shortcuts = signal(read('shortcuts') !== 'off');
  return {
    theme,
    shortcuts,
    read,
    write,
    setTheme: (value) => {
      theme.value = value;
      write('theme', value);
    },
    setShortcuts: (on) => {
      shortcuts.value = on;
      write('shortcuts', on ? null : 'off');
    },
  };
}
