import { Icon } from '@sgp/ui/icon.tsx';
import type { IconName } from '@sgp/ui/icon-names';
import { Logo } from '@sgp/ui/logo.tsx';
import { syncChip } from '@sgp/ui/sync-chip';
import { SyncChipLink } from '@sgp/ui/sync-chip-link.tsx';
import { useEffect, useState } from 'preact/hooks';
import { lazy, Route, Router, useLocation } from 'preact-iso';
import { useApp } from './app-context.ts';
import { NotFound } from './pages/not-found.tsx';
import { Today } from './pages/today.tsx';
import { AwayNotice, NewBuildNotice } from './parts/contact-notice.tsx';
import { SearchDialog } from './parts/search-dialog.tsx';
import { KeyHelp, useShortcuts } from './parts/shortcuts.tsx';
import { ToastHost } from './parts/toast-host.tsx';
import { UserMenu } from './parts/user-menu.tsx';

const screens = {
  orders: lazy(() => import('./pages/orders.tsx').then(({ Orders }) => Orders)),
  board: lazy(() => import('./pages/board.tsx').then(({ BoardPage }) => BoardPage)),
  form: lazy(() => import('./pages/order-form.tsx').then(({ OrderFormPage }) => OrderFormPage)),
  order: lazy(() => import('./pages/order/order.tsx').then(({ OrderPage }) => OrderPage)),
  customers: lazy(() => import('./pages/customers.tsx').then(({ Customers }) => Customers)),
  machines: lazy(() => import('./pages/machines.tsx').then(({ Machines }) => Machines)),
  machine: lazy(() => import('./pages/machine/machine.tsx').then(({ MachinePage }) => MachinePage)),
  sync: lazy(() => import('./pages/sync.tsx').then(({ SyncPage }) => SyncPage)),
  settings: lazy(() => import('./pages/settings/settings.tsx').then(({ SettingsPage }) => SettingsPage)),
};

const NAV = [
  { href: '/', key: 'today', icon: 'hoje', place: '' },
  { href: '/pedidos', key: 'orders', icon: 'pedidos', place: '' },
  { href: '/quadro', key: 'board', icon: 'quadro', place: '' },
  { href: '/clientes', key: 'customers', icon: 'clientes', place: 'more' },
  { href: '/maquinas', key: 'machines', icon: 'maquina', place: '' },
  { href: '/sincronizacao', key: 'sync', icon: 'troca', place: 'more' },
  { href: '/ajustes', key: 'settings', icon: 'ajustes', place: 'end more' },
] as const satisfies readonly { href: string; key: string; icon: IconName; place: string }[];

/** Rail, top bar and the present page. The chip and the red notice are here, so that no screen can be without them. */
export function Shell() {
  const { session, t, contact } = useApp();
  const { path } = useLocation();
  const [overlay, setOverlay] = useState<'none' | 'search' | 'keys' | 'menu'>('none');
  const close = () => setOverlay('none');
  useShortcuts({ onSearch: () => setOverlay('search'), onHelp: () => setOverlay('keys') });
  useEffect(close, [path]);
  useEffect(() => {
    // The other screens come along while nobody waits, so that they open at once and even when the server is away.
    const idle = window.requestIdleCallback ?? ((callback: () => void) => setTimeout(callback, 1_500));
    idle(() => void Promise.allSettled(Object.values(screens).map((screen) => screen.preload())));
  }, []);

  const { nav, top } = t.value.common;
  const shop = session.value?.shop.name ?? '';
  const isHere = (href: string) => (href === '/' ? path === '/' : path === href || path.startsWith(`${href}/`));
  return (
    <>
      <a class="skip" href="#conteudo">
        {t.value.common.skip}
      </a>
      <div class={contact.state.value === 'away' ? 'shell is-away' : 'shell'}>
        <nav class="rail" aria-label={nav.main}>
          <div class="brand">
            <Logo />
            <b title={shop}>{shop}</b>
          </div>
          {NAV.map(({ href, key, icon, place }) => (
            <a key={href} href={href} class={place || undefined} aria-current={isHere(href) ? 'page' : undefined}>
              <Icon name={icon} />
              {nav[key]}
            </a>
          ))}
          <button
            type="button"
            class="narrow-only"
            aria-expanded={overlay === 'menu'}
            onClick={() => setOverlay(overlay === 'menu' ? 'none' : 'menu')}
          >
            <Icon name="menu" />
            {t.value.common.more}
          </button>
        </nav>
        <header class="top">
          <button class="find wide-only" type="button" onClick={() => setOverlay('search')}>
            <Icon name="busca" size="sm" />
            {top.search}
            <kbd>/</kbd>
          </button>
          <b class="narrow-only cut">{shop}</b>
          <span class="push" />
          <button
            class="btn square quiet narrow-only"
            type="button"
            aria-label={top.searchLabel}
            onClick={() => setOverlay('search')}
          >
            <Icon name="busca" />
          </button>
          <ChipOfNow />
          <UserMenu isSheetOpen={overlay === 'menu'} onSheetClose={close} onHelp={() => setOverlay('keys')} />
        </header>
        <main class="page" id="conteudo" tabIndex={-1}>
          <AwayNotice />
          <NewBuildNotice />
          <Router onRouteChange={focusPage}>
            <Route path="/" component={Today} />
            <Route path="/pedidos" component={screens.orders} />
            <Route path="/pedidos/novo" component={screens.form} />
            <Route path="/pedidos/:id" component={screens.order} />
            <Route path="/pedidos/:id/editar" component={screens.form} />
            <Route path="/quadro" component={screens.board} />
            <Route path="/clientes" component={screens.customers} />
            <Route path="/maquinas" component={screens.machines} />
            <Route path="/maquinas/:id" component={screens.machine} />
            <Route path="/sincronizacao" component={screens.sync} />
            <Route path="/ajustes" component={screens.settings} />
            <Route default component={NotFound} />
          </Router>
        </main>
      </div>
      {overlay === 'search' ? <SearchDialog onClose={close} /> : null}
      {overlay === 'keys' ? <KeyHelp onClose={close} /> : null}
      <ToastHost />
    </>
  );
}

/** The chip says only what the server acknowledged; while the local server is away, nobody knows. */
function ChipOfNow() {
  const { sync, now, words, format, contact } = useApp();
  const status = contact.state.value === 'away' ? null : sync.value;
  return (
    <SyncChipLink
      chip={syncChip(status, now.value, words.value, format.value)}
      href="/sincronizacao"
      openLabel={words.value.sync.open}
    />
  );
}

/** After a change of page a screen reader starts at the page and the eye at its top. */
function focusPage() {
  window.scrollTo(0, 0);
  const main = document.getElementById('conteudo');
  if (main && !main.contains(document.activeElement)) main.focus({ preventScroll: true });
}
