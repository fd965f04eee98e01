import { Notice } from '@sgp/ui/notice.tsx';
import { useApp } from '../app-context.ts';

/** Red, on every screen, while the local server does not answer: what is shown is old, saving is off, drafts are kept. */
export function AwayNotice() {
  const { contact, format, t } = useApp();
  if (contact.state.value === 'here') return null;
  const heard = contact.lastHeardAt.value;
  return (
    <Notice tone="bad" icon="servidor" title={t.value.common.serverAwayTitle}>
      {heard === null ? t.value.common.serverAwayNoData : t.value.common.serverAway(format.value.time(heard))}
    </Notice>
  );
}

/** A newer screen is offered and never forced: a form may be half full. */
export function NewBuildNotice() {
  const { newBuild, t } = useApp();
  if (!newBuild.value) return null;
  return (
    <Notice
      icon="atualizar"
      action={
        <button class="btn small" type="button" onClick={() => location.reload()}>
          {t.value.common.reload}
        </button>
      }
    >
      {t.value.common.newBuild}
    </Notice>
  );
}

/** True while nothing can be saved: the attribute of every button that writes. */
export function useSavingOff(): boolean {
  return useApp().contact.state.value === 'away';
}
