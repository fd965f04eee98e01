import { Icon } from '@sgp/ui/icon.tsx';
import { useEffect, useState } from 'preact/hooks';
import { useApp } from '../app-context.ts';

/** The one toast, above everything, with its countdown when it can be undone. */
export function ToastHost() {
  const { toasts, t } = useApp();
  const toast = toasts.current.value;
  const [, setBeat] = useState(0);
  useEffect(() => {
    if (!toast?.undo) return;
    const timer = setInterval(() => setBeat((beat) => beat + 1), 500);
    return () => clearInterval(timer);
  }, [toast]);
  const left = toast ? Math.max(1, Math.ceil((toast.endsAt - Date.now()) / 1_000)) : 0;
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toast ? (
        <div class="toast" key={toast.id}>
          <Icon name={toast.icon} />
          <span>{toast.text}</span>
          {toast.undo ? (
            <button
              class="btn"
              type="button"
              onClick={() => {
                toast.undo?.();
                toasts.dismiss();
              }}
            >
              <Icon name="desfazer" />
              {/* The seconds change each second: a screen reader hears the button's fixed name instead. */}
              <span aria-hidden="true">{t.value.common.undo(left)}</span>
              <span class="sr">{t.value.common.undo(10)}</span>
            </button>
          ) : null}
        </div>
      ) : null}
    </div>
  );
}
