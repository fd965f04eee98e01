import '@sgp/ui/tokens.css';
import '@sgp/ui/base.css';
import '@sgp/ui/components.css';
import './app.css';
import { effect } from '@preact/signals';
import { render } from 'preact';
import { AppContext } from './app-context.ts';
import { createAppServices } from './app-services.ts';
import { orderPath } from './logic/address.ts';
import { appStart } from './manifest.ts';
import { Root } from './root.tsx';

const app = createAppServices(window);
effect(() => {
  document.documentElement.lang = app.locale.value;
});

// Opened from the home screen, the app is about the order that was last looked at.
if (location.pathname + location.search === appStart) {
  const [last] = app.saved.all();
  history.replaceState(null, '', last ? orderPath(last.token) : '/');
}

const root = document.getElementById('app');
if (root) {
  // The mirror's own text stays readable until the app has something to say in its place.
  const serverText = root.querySelector('.order-text');
  render(
    <AppContext.Provider value={app}>
      <Root onFirstScreen={() => serverText?.remove()} hasText={serverText !== null} />
    </AppContext.Provider>,
    root.appendChild(document.createElement('div')),
  );
}

// After the page itself: what makes it work offline must not compete with what the customer came for.
const keepForOffline = async (): Promise<void> => {
  const { registerServiceWorker } = await import('./service-worker-client.ts');
  registerServiceWorker(app);
};
if ('serviceWorker' in navigator) {
  if (document.readyState === 'complete') void keepForOffline();
  else addEventListener('load', () => void keepForOffline());
}
