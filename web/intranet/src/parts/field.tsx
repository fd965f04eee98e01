import { Icon } from '@sgp/ui/icon.tsx';
import type { ComponentChildren, InputHTMLAttributes, RefObject } from 'preact';
import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { useApp } from '../app-context.ts';

type FieldIds = { readonly id: string; readonly describedBy: string | undefined; readonly invalid: boolean };

type FieldProps = {
  readonly label: ComponentChildren;
  readonly hint?: ComponentChildren;
  readonly error?: string | null | undefined;
  readonly children: (ids: FieldIds) => ComponentChildren;
};

/** Label above, hint below, error in the place it is about. */
export function Field({ label, hint, error, children }: FieldProps) {
  const id = useId();
  const hintId = `${id}-h`;
  const errorId = `${id}-e`;
  const describedBy = [error ? errorId : '', hint ? hintId : ''].filter(Boolean).join(' ') || undefined;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({ id, describedBy, invalid: Boolean(error) })}
      {error ? (
        <p class="error" id={errorId}>
          <Icon name="alerta" />
          <span>{error}</span>
        </p>
      ) : null}
      {hint ? (
        <p class="hint" id={hintId}>
          {hint}
        </p>
      ) : null}
    </div>
  );
}

/** The attributes that our one-line fields use. The kind of a password field is its own business. */
type InputOptions = {
  readonly type?: 'text' | 'password' | 'tel' | 'date' | 'time';
  readonly class?: string;
  readonly placeholder?: string;
  readonly autocomplete?: 'off' | 'name' | 'organization' | 'username' | 'current-password' | 'new-password';
  readonly autocapitalize?: 'none';
  readonly inputMode?: 'decimal' | 'tel';
  readonly maxLength?: number;
  readonly readOnly?: boolean;
  readonly required?: boolean;
  readonly spellcheck?: boolean;
  readonly autofocus?: boolean;
  readonly onKeyDown?: (event: KeyboardEvent) => void;
};

type TextFieldProps = Omit<FieldProps, 'children'> & {
  readonly value: string;
  readonly onValue: (value: string) => void;
  readonly input?: InputOptions;
  readonly inputRef?: RefObject<HTMLInputElement | null>;
};

export function TextField({ value, onValue, input, inputRef, ...field }: TextFieldProps) {
  const own = useRef<HTMLInputElement>(null);
  const ref = inputRef ?? own;
  // The attribute works for a page and for a dialog that opens, and not for a field that comes later. Before the paint:
  // a person who is already typing in the next field must not be taken back.
  useLayoutEffect(() => {
    if (input?.autofocus) ref.current?.focus();
  }, []);
  return (
    <Field {...field}>
      {(ids) => (
        <div class="input">
          <input ref={ref} {...attributes({ type: 'text', ...input }, value, onValue, ids)} />
        </div>
      )}
    </Field>
  );
}

export function PasswordField({ value, onValue, input, inputRef, ...field }: TextFieldProps) {
  const { t } = useApp();
  const [isShown, setShown] = useState(false);
  return (
    <Field {...field}>
      {(ids) => (
        <div class="input">
          <Icon name="cadeado" />
          <input
            ref={inputRef ?? null}
            {...attributes(
              { ...input, type: isShown ? 'text' : 'password', autocapitalize: 'none', spellcheck: false },
              value,
              onValue,
              ids,
            )}
          />
          <button
            class="btn quiet small square"
            type="button"
            aria-label={isShown ? t.value.door.hide : t.value.door.show}
            aria-pressed={isShown}
            onClick={() => setShown(!isShown)}
          >
            <Icon name={isShown ? 'olho-fechado' : 'olho'} />
          </button>
        </div>
      )}
    </Field>
  );
}

/** What every field of one line has: its value, its news, and the texts that explain it. */
function attributes(input: InputOptions, value: string, onValue: (value: string) => void, ids: FieldIds) {
  return {
    ...input,
    id: ids.id,
    value,
    'aria-describedby': ids.describedBy,
    'aria-invalid': ids.invalid || undefined,
    onInput: (event: Event) => onValue((event.currentTarget as HTMLInputElement).value),
  } as InputHTMLAttributes<HTMLInputElement>;
}
