import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef } from 'preact/hooks';

export type DialogProps = {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
  /** Buttons, the filled one last. Inside the form when `onSubmit` is given. */
  readonly footer?: ComponentChildren;
  readonly onSubmit?: () => void;
  readonly wide?: boolean;
};

/** A modal `<dialog>`: the browser keeps the focus inside, gives it back on close, and Esc closes. */
export function Dialog({ title, onClose, children, footer, onSubmit, wide = false }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  // Before the next paint: whoever types on at once types into the dialog.
  useLayoutEffect(() => {
    const dialog = ref.current;
    const opener = document.activeElement;
    dialog?.showModal();
    return () => {
      dialog?.close();
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
    };
  }, []);
  const body = (
    <>
      <header>
        <h2 id={id}>{title}</h2>
      </header>
      <div class="in stack">{children}</div>
      {footer ? <footer>{footer}</footer> : null}
    </>
  );
  return (
    <dialog
      ref={ref}
      class={wide ? 'wide' : undefined}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      {onSubmit ? (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            onSubmit();
          }}
        >
          {body}
        </form>
      ) : (
        body
      )}
    </dialog>
  );
}
