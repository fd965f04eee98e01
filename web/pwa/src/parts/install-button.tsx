import { Icon } from '@sgp/ui/icon.tsx';
import { useApp } from '../app-context.ts';

/** Shown only where the browser itself offers to install. */
export function InstallButton() {
  const { install, t } = useApp();
  const ask = install.value;
  return ask ? (
    <button class="btn quiet block" type="button" onClick={ask}>
      <Icon name="celular" />
      {t.value.install}
    </button>
  ) : null;
}
