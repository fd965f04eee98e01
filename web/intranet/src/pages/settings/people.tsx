import type { Role } from '@sgp/shared/api/common';
import type { User } from '@sgp/shared/api/people';
import { limits } from '@sgp/shared/limits';
import { Dialog } from '@sgp/ui/dialog.tsx';
import { initials } from '@sgp/ui/format';
import { Icon } from '@sgp/ui/icon.tsx';
import { StatusChip } from '@sgp/ui/status-chip.tsx';
import { useState } from 'preact/hooks';
import { useApp, useResource } from '../../app-context.ts';
import { isLogin, loginOf } from '../../logic/login.ts';
import { useSavingOff } from '../../parts/contact-notice.tsx';
import { Failure } from '../../parts/failure.tsx';
import { PasswordField, TextField } from '../../parts/field.tsx';
import { Loaded } from '../../parts/loaded.tsx';
import { useSave } from './use-save.ts';

const ROLES: readonly Role[] = ['owner', 'manager', 'desk', 'operator'];

export function People() {
  const { api, session, t } = useApp();
  const { settings: words, common } = t.value;
  const resource = useResource('users', api.users);
  const [editing, setEditing] = useState<User | 'new' | null>(null);
  return (
    <section class="panel" aria-labelledby="pessoas">
      <header>
        <h2 id="pessoas">{words.people}</h2>
        <button class="btn small push" type="button" onClick={() => setEditing('new')}>
          <Icon name="mais" size="sm" />
          {words.newPerson}
        </button>
      </header>
      <p class="in hint">{words.peopleText}</p>
      <Loaded resource={resource} rows={3}>
        {({ users }) => (
          <div class="rows">
            {users.map((user) => (
              <div key={user.userId} class={user.disabledAt === null ? undefined : 'stale'}>
                <span class="avatar">{initials(user.name)}</span>
                <div class="grow cut">
                  <b>{user.name}</b>{' '}
                  {user.userId === session.value?.user.userId ? <span class="muted t13">({words.you})</span> : null}
                  <br />
                  <span class="muted t13">
                    {user.login} · {common.roles[user.role]}
                  </span>
                </div>
                {user.disabledAt === null ? null : <StatusChip tone="none" icon="bloqueio" text={words.disabled} />}
                <button
                  class="btn small quiet square"
                  type="button"
                  aria-label={words.editPerson(user.name)}
                  onClick={() => setEditing(user)}
                >
                  <Icon name="lapis" size="sm" />
                </button>
              </div>
            ))}
          </div>
        )}
      </Loaded>
      {editing ? (
        <PersonDialog
          user={editing === 'new' ? null : editing}
          onClose={() => setEditing(null)}
          onSaved={() => void resource.refresh()}
        />
      ) : null}
    </section>
  );
}

function PersonDialog({
  user,
  onClose,
  onSaved,
}: {
  readonly user: User | null;
  readonly onClose: () => void;
  readonly onSaved: () => void;
}) {
  const { api, toasts, session, t } = useApp();
  const { settings: words, door, common } = t.value;
  const [name, setName] = useState(user?.name ?? '');
  const [login, setLogin] = useState(user?.login ?? '');
  const [isLoginTyped, setLoginTyped] = useState(false);
  const [role, setRole] = useState<Role>(user?.role ?? 'operator');
  const [password, setPassword] = useState('');
  const [isAsked, setAsked] = useState(false);
  const save = useSave();
  const savingOff = useSavingOff();
  const isSelf = user !== null && user.userId === session.value?.user.userId;
  const missing = limits.passwordMinChars - password.length;
  const problems = {
    name: name.trim() === '' ? door.nameMissing : null,
    login: isLogin(login) ? null : door.loginWrong,
    // An unchanged password is no field of an existing person.
    password: missing > 0 && (user === null || password !== '') ? door.passwordShort(missing) : null,
  };
  const finish = () => {
    toasts.show({ icon: 'ok', text: words.personSaved });
    onSaved();
    onClose();
  };
  const submit = () => {
    setAsked(true);
    if (problems.name || problems.login || problems.password) return;
    save.run(async () => {
      if (user === null) await api.createUser({ name: name.trim(), login, password, role });
      else
        await api.changeUser(user.userId, {
          name: name.trim(),
          ...(isSelf ? {} : { role }),
          ...(password ? { password } : {}),
        });
      finish();
    });
  };
  const toggleAccess = () =>
    save.run(async () => {
      if (user) await api.changeUser(user.userId, { disabled: user.disabledAt === null });
      finish();
    });
  const isTaken = save.failure?.code === 'ALREADY_EXISTS';
  return (
    <Dialog
      title={user ? words.editPerson(user.name) : words.newPerson}
      onClose={onClose}
      onSubmit={submit}
      footer={
        <>
          {user && !isSelf ? (
            <button
              class={user.disabledAt === null ? 'btn quiet danger' : 'btn quiet'}
              type="button"
              disabled={savingOff}
              onClick={toggleAccess}
            >
              {user.disabledAt === null ? words.disable : words.enable}
            </button>
          ) : null}
          <span class="grow" />
          <button class="btn" type="button" onClick={onClose}>
            {common.cancel}
          </button>
          <button class="btn primary" type="submit" aria-busy={save.isBusy} disabled={savingOff}>
            {common.save}
          </button>
        </>
      }
    >
      <div class="two">
        <TextField
          label={words.personName}
          value={name}
          error={isAsked ? problems.name : null}
          onValue={(value) => {
            setName(value);
            if (user === null && !isLoginTyped) setLogin(loginOf(value));
          }}
          input={{ autofocus: true, autocomplete: 'off', maxLength: limits.nameMaxChars }}
        />
        <TextField
          label={door.login}
          value={login}
          error={isTaken ? words.loginTaken : isAsked ? problems.login : null}
          onValue={(value) => {
            setLogin(value.toLowerCase());
            setLoginTyped(true);
          }}
          input={{
            autocomplete: 'off',
            autocapitalize: 'none',
            spellcheck: false,
            maxLength: 32,
            readOnly: user !== null,
          }}
        />
      </div>
      <PasswordField
        label={user ? words.newPassword : door.password}
        hint={user ? words.newPasswordHint : door.passwordRule(limits.passwordMinChars)}
        value={password}
        error={isAsked ? problems.password : null}
        onValue={setPassword}
        input={{ autocomplete: 'new-password', maxLength: limits.passwordMaxChars }}
      />
      {isSelf ? null : (
        <fieldset class="bare stack tight">
          <legend class="label">{words.role}</legend>
          {ROLES.map((one) => (
            <label class="choice compact" key={one}>
              <input type="radio" name="perfil" checked={role === one} onChange={() => setRole(one)} />
              <span>
                {common.roles[one]}
                <small>{words.roleHints[one]}</small>
              </span>
            </label>
          ))}
        </fieldset>
      )}
      {save.failure && !isTaken ? (
        <Failure error={save.failure} title={common.saveFailed} kept={common.keptOnScreen} />
      ) : null}
    </Dialog>
  );
}
