import { initials } from '@sgp/ui/format';
import { Icon } from '@sgp/ui/icon.tsx';
import { Logo } from '@sgp/ui/logo.tsx';
import { Notice } from '@sgp/ui/notice.tsx';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Setup, SignInPeople } from '../api.ts';
import { type ApiError, asApiError } from '../api-error.ts';
import { useApp } from '../app-context.ts';
import { AwayNotice, useSavingOff } from '../parts/contact-notice.tsx';
import { useErrorText } from '../parts/failure.tsx';
import { PasswordField, TextField } from '../parts/field.tsx';

type People = SignInPeople['people'];
/** More faces than this are no longer found faster than a login is typed. */
const FACES_MAX = 11;

/** A shared computer: people before passwords. */
export function SignIn({ setup, hasEnded }: { readonly setup: Setup; readonly hasEnded: boolean }) {
  const { api, enter, prefs, t } = useApp();
  const { door } = t.value;
  const [people, setPeople] = useState<People | null>(null);
  const [chosen, setChosen] = useState<string | null>(prefs.read('last-login'));
  const [typedLogin, setTypedLogin] = useState('');
  const [password, setPassword] = useState('');
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const passwordInput = useRef<HTMLInputElement>(null);
  const savingOff = useSavingOff();
  const errorText = useErrorText();

  useEffect(() => {
    document.title = `${door.enter} · SGP`;
  }, [door]);
  useEffect(() => {
    api.people().then(
      ({ people: found }) => {
        setPeople(found);
        setChosen((before) => (found.some(({ login }) => login === before) ? before : (found[0]?.login ?? null)));
      },
      () => setPeople([]),
    );
  }, []);
  useEffect(() => passwordInput.current?.focus(), [chosen, people]);

  const person = people?.find(({ login }) => login === chosen) ?? null;
  const login = person?.login ?? typedLogin.trim().toLowerCase();

  async function submit() {
    if (isBusy) return;
    if (password === '' || login === '') {
      setProblem(door.passwordMissing);
      return;
    }
    setBusy(true);
    setProblem(null);
    try {
      const session = await api.signIn(login, password);
      prefs.write('last-login', login);
      enter(session);
    } catch (cause) {
      setProblem(wordsFor(asApiError(cause)));
      setBusy(false);
      passwordInput.current?.select();
    }
  }

  function wordsFor(error: ApiError): string {
    if (error.code === 'CREDENTIALS_INVALID') return person ? door.wrong : door.wrongLogin;
    if (error.retryAfterS !== null) return door.wait(error.retryAfterS);
    return errorText(error.code);
  }

  return (
    <div class="gate">
      <main class="gate-box">
        <div class="gate-brand">
          <Logo />
          <div>
            <b>{setup.shopName}</b>
            <small class="muted">{door.here}</small>
          </div>
        </div>
        <h1>{door.who}</h1>
        <AwayNotice />
        {hasEnded ? <Notice icon="cadeado">{door.ended}</Notice> : null}
        {people && people.length > 0 ? (
          <div class="people" role="radiogroup" aria-label={door.people}>
            {people.slice(0, FACES_MAX).map((face) => (
              <label class="person" key={face.login}>
                <input
                  type="radio"
                  name="person"
                  class="sr"
                  checked={chosen === face.login}
                  onChange={() => setChosen(face.login)}
                />
                <span class="avatar">{initials(face.name)}</span>
                <b class="cut">{face.name.split(' ')[0]}</b>
                <small class="cut">{face.login}</small>
              </label>
            ))}
            <label class="person">
              <input type="radio" name="person" class="sr" checked={person === null} onChange={() => setChosen(null)} />
              <span class="avatar">
                <Icon name="usuario" />
              </span>
              <b>{door.other}</b>
              <small>{door.otherHint}</small>
            </label>
          </div>
        ) : null}
        <form
          class="stack"
          noValidate
          onSubmit={(event) => {
            event.preventDefault();
            void submit();
          }}
        >
          {person ? (
            <input
              class="sr"
              type="text"
              name="username"
              autocomplete="username"
              value={person.login}
              readOnly
              tabIndex={-1}
              aria-hidden="true"
            />
          ) : (
            <TextField
              label={door.login}
              value={typedLogin}
              onValue={setTypedLogin}
              input={{ autocomplete: 'username', autocapitalize: 'none', spellcheck: false }}
            />
          )}
          <PasswordField
            label={person ? door.passwordOf(person.name.split(' ')[0] ?? '') : door.password}
            value={password}
            onValue={(value) => {
              setPassword(value);
              setProblem(null);
            }}
            error={problem}
            inputRef={passwordInput}
            input={{ autocomplete: 'current-password' }}
          />
          <button class="btn primary block" type="submit" aria-busy={isBusy} disabled={savingOff}>
            {isBusy ? door.entering : door.enter}
          </button>
        </form>
        <p class="t13 muted">{door.forgot}</p>
      </main>
    </div>
  );
}
