import { limits } from '@sgp/shared/limits';
import { Icon } from '@sgp/ui/icon.tsx';
import { Logo } from '@sgp/ui/logo.tsx';
import { Notice } from '@sgp/ui/notice.tsx';
import { useEffect, useState } from 'preact/hooks';
import type { Setup } from '../api.ts';
import { type ApiError, asApiError } from '../api-error.ts';
import { useApp } from '../app-context.ts';
import { isLogin, loginOf } from '../logic/login.ts';
import { AwayNotice, useSavingOff } from '../parts/contact-notice.tsx';
import { Failure } from '../parts/failure.tsx';
import { PasswordField, TextField } from '../parts/field.tsx';

/** The only step that is mandatory: the owner's account (PRODUCT J1.2). */
export function FirstRun({ setup }: { readonly setup: Setup }) {
  const { api, enter, t, locale, setLocale } = useApp();
  const { door, common } = t.value;
  const [shopName, setShopName] = useState(setup.shopName);
  const [name, setName] = useState('');
  const [login, setLogin] = useState('');
  const [isLoginTyped, setLoginTyped] = useState(false);
  const [password, setPassword] = useState('');
  const [isAsked, setAsked] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [failure, setFailure] = useState<ApiError | null>(null);
  const savingOff = useSavingOff();
  const missing = limits.passwordMinChars - password.length;

  useEffect(() => {
    document.title = `${door.firstTitle} · SGP`;
  }, [door]);

  const problems = {
    name: name.trim() === '' ? door.nameMissing : null,
    login: isLogin(login) ? null : door.loginWrong,
    password: missing > 0 ? door.passwordShort(missing) : null,
  };

  async function create() {
    setAsked(true);
    if (problems.name || problems.login || problems.password || isBusy) return;
    setBusy(true);
    setFailure(null);
    try {
      const shop = shopName.trim();
      enter(await api.createOwner({ name: name.trim(), login, password, ...(shop ? { shopName: shop } : {}) }));
    } catch (error) {
      setFailure(asApiError(error));
      setBusy(false);
    }
  }

  return (
    <div class="gate">
      <main class="gate-box medium">
        <div class="line apart wrap">
          <div class="gate-brand">
            <Logo />
            <div>
              <b>SGP</b>
              <small class="muted">{door.tagline}</small>
            </div>
          </div>
          <fieldset class="seg" aria-label={common.top.language}>
            <button
              type="button"
              lang="pt-BR"
              aria-pressed={locale.value === 'pt-BR'}
              onClick={() => setLocale('pt-BR')}
            >
              Português
            </button>
            <button type="button" lang="en" aria-pressed={locale.value === 'en'} onClick={() => setLocale('en')}>
              English
            </button>
          </fieldset>
        </div>
        <div>
          <h1>{door.firstTitle}</h1>
          <p class="muted">{door.firstText}</p>
        </div>
        <AwayNotice />
        <form
          class="stack"
          noValidate
          onSubmit={(event) => {
            event.preventDefault();
            void create();
          }}
        >
          <TextField
            label={door.shopName}
            hint={door.shopNameHint}
            value={shopName}
            onValue={setShopName}
            input={{ autocomplete: 'organization', maxLength: limits.nameMaxChars }}
          />
          <div class="two">
            <TextField
              label={door.yourName}
              value={name}
              error={isAsked ? problems.name : null}
              onValue={(value) => {
                setName(value);
                if (!isLoginTyped) setLogin(loginOf(value));
              }}
              input={{ autocomplete: 'name', autofocus: true, maxLength: limits.nameMaxChars }}
            />
            <TextField
              label={door.login}
              value={login}
              error={isAsked ? problems.login : null}
              onValue={(value) => {
                setLogin(value.toLowerCase());
                setLoginTyped(true);
              }}
              input={{ autocomplete: 'username', autocapitalize: 'none', spellcheck: false, maxLength: 32 }}
            />
          </div>
          <PasswordField
            label={door.password}
            value={password}
            onValue={setPassword}
            error={isAsked ? problems.password : null}
            hint={
              password === '' || (isAsked && missing > 0) ? (
                door.passwordRule(limits.passwordMinChars)
              ) : missing > 0 ? (
                door.passwordShort(missing)
              ) : (
                <PasswordFine text={door.passwordFine} />
              )
            }
            input={{ autocomplete: 'new-password', maxLength: limits.passwordMaxChars }}
          />
          {failure ? <Failure error={failure} title={common.saveFailed} kept={common.keptOnScreen} /> : null}
          <button class="btn primary block" type="submit" aria-busy={isBusy} disabled={savingOff}>
            {door.create}
          </button>
        </form>
        <Notice icon="cadeado">{door.privacy}</Notice>
      </main>
    </div>
  );
}

function PasswordFine({ text }: { readonly text: string }) {
  return (
    <span class="line fine">
      <Icon name="ok" size="sm" />
      {text}
    </span>
  );
}
