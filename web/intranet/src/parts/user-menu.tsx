import { initials } from '@sgp/ui/format';
import { Icon } from '@sgp/ui/icon.tsx';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useApp } from '../app-context.ts';
import { THEMES } from '../prefs.ts';

type UserMenuProps = {
  /** On a phone the rail's "Mais" opens the same menu as a sheet, with the places that have no room in the bar. */
  readonly isSheetOpen: boolean;
  readonly onSheetClose: () => void;
  readonly onHelp: () => void;
};

/** Who is here, how the screen looks, which language, and the way out. */
export function UserMenu({ isSheetOpen, onSheetClose, onHelp }: UserMenuProps) {
  const { session, t } = useApp();
  const [isOpen, setOpen] = useState(false);
  const box = useRef<HTMLFieldSetElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const shown = isOpen || isSheetOpen;
  const close = () => {
    setOpen(false);
    onSheetClose();
  };
  useEffect(() => {
    if (!shown) return;
    box.current?.querySelector<HTMLElement>('a, button')?.focus({ preventScroll: true });
    const outside = (event: PointerEvent) => {
      const target = event.target as Node;
      if (
        !box.current?.contains(target) &&
        !button.current?.contains(target) &&
        !(target as Element).closest?.('.rail button')
      )
        close();
    };
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== 'Escape') return;
      close();
      button.current?.focus();
    };
    document.addEventListener('pointerdown', outside);
    document.addEventListener('keydown', onKey);
    return () => {
      document.removeEventListener('pointerdown', outside);
      document.removeEventListener('keydown', onKey);
    };
  }, [shown]);
  const user = session.value?.user;
  if (!user) return null;
  return (
    <>
      <button
        ref={button}
        class="btn square quiet wide-only"
        type="button"
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
      >
        <span class="avatar">{initials(user.name)}</span>
        <span class="sr">{t.value.common.top.user(user.name)}</span>
      </button>
      {shown ? (
        <fieldset ref={box} class={isSheetOpen ? 'menu sheet' : 'menu'} aria-label={t.value.common.top.user(user.name)}>
          <MenuBody
            onHelp={() => {
              close();
              onHelp();
            }}
            onNavigate={close}
          />
        </fieldset>
      ) : null}
    </>
  );
}

function MenuBody({ onHelp, onNavigate }: { readonly onHelp: () => void; readonly onNavigate: () => void }) {
  const { session, prefs, locale, setLocale, signOut, t } = useApp();
  const { common } = t.value;
  const user = session.value?.user;
  if (!user) return null;
  return (
    <>
      <div class="menu-who">
        <span class="avatar">{initials(user.name)}</span>
        <div class="cut">
          <b>{user.name}</b>
          <small class="muted">{common.roles[user.role]}</small>
        </div>
      </div>
      <div class="menu-places narrow-only">
        <a href="/clientes" onClick={onNavigate}>
          <Icon name="clientes" />
          {common.nav.customers}
        </a>
        <a href="/sincronizacao" onClick={onNavigate}>
          <Icon name="troca" />
          {common.nav.sync}
        </a>
        <a href="/ajustes" onClick={onNavigate}>
          <Icon name="ajustes" />
          {common.nav.settings}
        </a>
      </div>
      <div class="menu-row">
        <span class="t13 muted" id="menu-theme">
          {common.top.theme}
        </span>
        <fieldset class="seg" aria-labelledby="menu-theme">
          {THEMES.map((theme) => (
            <button
              key={theme}
              type="button"
              aria-pressed={prefs.theme.value === theme}
              onClick={() => prefs.setTheme(theme)}
            >
              {common.top.themes[theme]}
            </button>
          ))}
        </fieldset>
      </div>
      <div class="menu-row">
        <span class="t13 muted" id="menu-language">
          {common.top.language}
        </span>
        <fieldset class="seg" aria-labelledby="menu-language">
          <button type="button" lang="pt-BR" aria-pressed={locale.value === 'pt-BR'} onClick={() => setLocale('pt-BR')}>
            Português
          </button>
          <button type="button" lang="en" aria-pressed={locale.value === 'en'} onClick={() => setLocale('en')}>
            English
          </button>
        </fieldset>
      </div>
      <label class="menu-row wide-only-flex">
        <span class="t13 muted">{common.top.shortcuts}</span>
        <input
          type="checkbox"
          checked={prefs.shortcuts.value}
          onChange={(event) => prefs.setShortcuts(event.currentTarget.checked)}
        />
      </label>
      <div class="menu-acts">
        <button class="btn quiet wide-only-flex" type="button" onClick={onHelp}>
          <kbd>?</kbd>
          {common.top.shortcutsHelp}
        </button>
        <button class="btn quiet" type="button" onClick={() => void signOut()}>
          <Icon name="sair" />
          {common.top.signOut}
        </button>
      </div>
    </>
  );
}
