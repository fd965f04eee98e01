import '@sgp/ui/tokens.css';
import '@sgp/ui/base.css';
import '@sgp/ui/components.css';
import './screens.css';
import './door.css';
import { effect } from '@preact/signals';
import { render } from 'preact';
import { AppContext } from './app-context.ts';
import { createAppServices } from './app-services.ts';
import { Root } from './root.tsx';

const app = createAppServices(window);

effect(() => {
  const { documentElement } = document;
  const theme = app.prefs.theme.value;
  if (theme === 'sistema') delete documentElement.dataset['theme'];
  else documentElement.dataset['theme'] = theme;
});
effect(() => {
  document.documentElement.lang = app.locale.value;
});

const root = document.getElementById('app');
if (root) {
  render(
    <AppContext.Provider value={app}>
      <Root />
    </AppContext.Provider>,
    root,
  );
  app.start();
}
