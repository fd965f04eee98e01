import { Dialog } from '@sgp/ui/dialog.tsx';
import { useEffect } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { tinykeys } from 'tinykeys';
import { useApp } from '../app-context.ts';
import { isTyping } from '../logic/keyboard.ts';

/** Keys that work on every screen. They are off while typing, inside dialogs, and when the person turned them off. */
export function useShortcuts({ onSearch, onHelp }: { readonly onSearch: () => void; readonly onHelp: () => void }) {
  const { prefs } = useApp();
  const { route } = useLocation();
  const enabled = prefs.shortcuts.value;
  useEffect(() => {
    const guarded = (act: () => void) => (event: KeyboardEvent) => {
      if (isTyping(event.target) || event.altKey || event.metaKey || event.ctrlKey) return;
      event.preventDefault();
      act();
    };
    const alone = enabled
      ? {
          '/': guarded(onSearch),
          'Shift+?': guarded(onHelp),
          '?': guarded(onHelp),
          n: guarded(() => route('/pedidos/novo')),
          'g p': guarded(() => route('/pedidos')),
          'g q': guarded(() => route('/quadro')),
          'g h': guarded(() => route('/')),
          'g m': guarded(() => route('/maquinas')),
        }
      : {};
    return tinykeys(window, {
      ...alone,
      // Ctrl+K is no single key and stays when the single keys are off.
      '$mod+k': (event) => {
        event.preventDefault();
        onSearch();
      },
    });
  }, [enabled, route]);
}

/** Keys of one screen, under the same rule. `bindings` may be new objects at each render: the newest is used. */
export function useScreenKeys(bindings: Readonly<Record<string, (event: KeyboardEvent) => void>>) {
  const { prefs } = useApp();
  const enabled = prefs.shortcuts.value;
  useEffect(() => {
    if (!enabled) return;
    const guarded = Object.fromEntries(
      Object.entries(bindings).map(([keys, act]) => [
        keys,
        (event: KeyboardEvent) => {
          if (isTyping(event.target) || event.altKey || event.metaKey || event.ctrlKey) return;
          act(event);
        },
      ]),
    );
    return tinykeys(window, guarded);
  });
}

export function KeyHelp({ onClose }: { readonly onClose: () => void }) {
  const { t } = useApp();
  const { keys, close } = t.value.common;
  const rows: readonly (readonly [string, string])[] = [
    ['/', keys.search],
    ['N', keys.newOrder],
    ['M', keys.move],
    ['J', keys.next],
    ['K', keys.previous],
    ['Enter', keys.open],
    ['Esc', keys.close],
    ['G H', keys.goToday],
    ['G P', keys.goOrders],
    ['G Q', keys.goBoard],
    ['G M', keys.goMachines],
    ['?', keys.help],
  ];
  return (
    <Dialog
      title={keys.title}
      onClose={onClose}
      footer={
        <button class="btn" type="button" onClick={onClose}>
          {close} <kbd>Esc</kbd>
        </button>
      }
    >
      <p class="hint">{keys.note}</p>
      <dl class="key-list">
        {rows.map(([key, meaning]) => (
          <div key={key}>
            <dt>
              {key.split(' ').map((part) => (
                <kbd key={part}>{part}</kbd>
              ))}
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
