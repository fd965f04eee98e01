import { Icon } from '@sgp/ui/icon.tsx';
import { Logo } from '@sgp/ui/logo.tsx';
import { Notice } from '@sgp/ui/notice.tsx';
import { useEffect, useState } from 'preact/hooks';
import { ErrorBoundary, LocationProvider } from 'preact-iso';
import { useApp } from './app-context.ts';
import { Door } from './pages/door.tsx';
import { Shell } from './shell.tsx';

/** Door or shop, and what is shown when a screen itself breaks. */
export function Root() {
  const { gate, t } = useApp();
  const [crash, setCrash] = useState<Error | null>(null);
  if (crash) {
    return (
      <main class="gate">
        <div class="gate-box">
          <Notice
            tone="bad"
            icon="alerta"
            title={t.value.common.crash}
            action={
              <button class="btn small" type="button" onClick={() => location.reload()}>
                <Icon name="atualizar" size="sm" />
                {t.value.common.reload}
              </button>
            }
          >
            {t.value.common.crashText} <span class="faint">{crash.message}</span>
          </Notice>
        </div>
      </main>
    );
  }
  return (
    <LocationProvider>
      <ErrorBoundary onError={setCrash}>
        {gate.value.at === 'asking' ? <Asking /> : gate.value.at === 'shop' ? <Shell /> : <Door gate={gate.value} />}
      </ErrorBoundary>
    </LocationProvider>
  );
}

/** Nothing for the first moments; then why nothing comes. */
function Asking() {
  const { contact, t } = useApp();
  const [due, setDue] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setDue(true), 400);
    return () => clearTimeout(timer);
  }, []);
  if (!due) return null;
  return (
    <main class="gate">
      <div class="gate-box">
        <div class="gate-brand">
          <Logo />
          <b>{t.value.common.appName}</b>
        </div>
        {contact.state.value === 'away' ? (
          <Notice tone="bad" icon="servidor" title={t.value.common.serverAwayTitle}>
            {t.value.common.serverAwayShort}
          </Notice>
        ) : (
          <p class="muted" role="status">
            {t.value.common.loading}…
          </p>
        )}
      </div>
    </main>
  );
}
