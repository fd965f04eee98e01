import { Dialog } from '@sgp/ui/dialog.tsx';
import { Icon } from '@sgp/ui/icon.tsx';
import { useRef, useState } from 'preact/hooks';
import { useApp } from '../app-context.ts';
import type { UnlockAnswer, Unlocked } from '../logic/tracking-client.ts';

type Props = {
  readonly token: string;
  readonly onClose: () => void;
  readonly onUnlocked: (last4: string, money: Unlocked) => void;
};

/** The second factor of the link: four digits that the customer knows. */
export function UnlockDialog({ token, onClose, onUnlocked }: Props) {
  const { t, client } = useApp();
  const { money } = t.value;
  const input = useRef<HTMLInputElement>(null);
  const [digits, setDigits] = useState('');
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const explain = (answer: Exclude<UnlockAnswer, { kind: 'unlocked' }>): string => {
    switch (answer.kind) {
      case 'wrong':
        return money.wrong;
      case 'wait':
        return money.wait(Math.ceil(answer.seconds / 60));
      case 'dead':
      case 'silent':
        return money.silent;
    }
  };
  const refuse = (text: string) => {
    setError(text);
    input.current?.focus();
    input.current?.select();
  };
  const submit = async () => {
    if (busy) return;
    if (digits.length !== 4) return refuse(money.digits);
    setBusy(true);
    const answer = await client.unlock(token, digits);
    setBusy(false);
    if (answer.kind === 'unlocked') onUnlocked(digits, answer.money);
    else refuse(explain(answer));
  };
  return (
    <Dialog
      title={money.title}
      onClose={onClose}
      onSubmit={() => void submit()}
      footer={
        <>
          <button class="btn" type="button" onClick={onClose}>
            {money.cancel}
          </button>
          <button class="btn primary" type="submit" aria-busy={busy}>
            {money.submit}
          </button>
        </>
      }
    >
      <div class="field">
        <label for="last4">{money.label}</label>
        <div class="input code">
          <input
            id="last4"
            ref={input}
            type="text"
            inputMode="numeric"
            autocomplete="off"
            maxLength={4}
            placeholder="····"
            value={digits}
            aria-invalid={error !== null}
            aria-describedby="last4-help"
            onInput={(event) => {
              event.currentTarget.value = event.currentTarget.value.replace(/\D/g, '').slice(0, 4);
              setDigits(event.currentTarget.value);
              setError(null);
            }}
          />
        </div>
        <p id="last4-help" class={error ? 'error' : 'hint'} role={error ? 'alert' : undefined}>
          {error ? <Icon name="alerta" /> : null}
          {error ?? money.hint}
        </p>
      </div>
    </Dialog>
  );
}
