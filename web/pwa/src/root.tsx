import { Icon } from '@sgp/ui/icon.tsx';
import { Notice } from '@sgp/ui/notice.tsx';
import { useLayoutEffect, useState } from 'preact/hooks';
import { ErrorBoundary, LocationProvider, useLocation } from 'preact-iso';
import { useApp } from './app-context.ts';
import type { FirstScreen } from './app-services.ts';
import { tokenOfPath } from './logic/address.ts';
import { DeadLink } from './pages/dead-link.tsx';
import { Home } from './pages/home.tsx';
import { OrderPage } from './pages/order.tsx';
import { UpdateToast } from './parts/update-toast.tsx';

export function Root(props: FirstScreen) {
  const [crashed, setCrashed] = useState(false);
  return (
    <LocationProvider>
      <ErrorBoundary onError={() => setCrashed(true)}>
        {crashed ? <Crash {...props} /> : <Pages {...props} />}
      </ErrorBoundary>
      <UpdateToast />
    </LocationProvider>
  );
}

function Pages(props: FirstScreen) {
  const { path } = useLocation();
  const token = tokenOfPath(path);
  if (token !== null) return <OrderPage key={token} token={token} {...props} />;
  return <Plain {...props}>{path === '/' ? <Home /> : <DeadLink shop={null} />}</Plain>;
}

function Plain({ onFirstScreen, children }: FirstScreen & { readonly children: preact.ComponentChildren }) {
  useLayoutEffect(onFirstScreen, []);
  return children;
}

function Crash({ onFirstScreen }: FirstScreen) {
  const { t } = useApp();
  useLayoutEffect(onFirstScreen, []);
  const { title, text, action } = t.value.crash;
  return (
    <main class="pwa-gate">
      <Notice
        tone="bad"
        icon="alerta"
        title={title}
        action={
          <button class="btn small" type="button" onClick={() => location.reload()}>
            <Icon name="atualizar" size="sm" />
            {action}
          </button>
        }
      >
        {text}
      </Notice>
    </main>
  );
}
