import { Icon } from '@sgp/ui/icon.tsx';
import { useApp } from '../app-context.ts';

/** A new version waits; it comes when the person taps, never under their hands. */
export function UpdateToast() {
  const { update, t } = useApp();
  const install = update.value;
  return (
    <div role="status">
      {install ? (
        <div class="toast">
          <Icon name="atualizar" />
          {t.value.update.text}
          <button class="btn" type="button" onClick={install}>
            {t.value.update.action}
          </button>
        </div>
      ) : null}
    </div>
  );
}
