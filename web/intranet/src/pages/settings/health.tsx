import type { Licence } from '@sgp/shared/api/shop';
import type { Status } from '@sgp/ui/status';
import { StatusChip } from '@sgp/ui/status-chip.tsx';
import { useApp, useResource } from '../../app-context.ts';
import { Loaded } from '../../parts/loaded.tsx';

const LICENCE_LOOK: Readonly<Record<Licence['state'], Omit<Status, 'text'>>> = {
  active: { tone: 'ok', icon: 'ok' },
  expired: { tone: 'warn', icon: 'relogio' },
  invalid: { tone: 'bad', icon: 'alerta' },
  missing: { tone: 'none', icon: 'desconhecido' },
};

/** The licence as this computer verified it, without asking anyone. */
export function LicencePanel() {
  const { api, t, format, now } = useApp();
  const { settings: words } = t.value;
  const resource = useResource('licence', api.licence, (name) => name === 'services.changed');
  return (
    <section class="panel" aria-labelledby="licenca">
      <header>
        <h2 id="licenca">{words.licence}</h2>
        {resource.data.value ? (
          <span class="push">
            <StatusChip
              {...LICENCE_LOOK[resource.data.value.state]}
              text={words.licenceStates[resource.data.value.state]}
            />
          </span>
        ) : null}
      </header>
      <div class="in">
        <Loaded resource={resource} rows={3}>
          {(licence) => (
            <div class="stack tight">
              {licence.reason ? <p class="t14">{licence.reason}</p> : null}
              <dl class="facts">
                {licence.companyName ? (
                  <>
                    <dt>{words.licenceCompany}</dt>
                    <dd>{[licence.companyName, licence.establishmentName].filter(Boolean).join(' · ')}</dd>
                  </>
                ) : null}
                {licence.plan ? (
                  <>
                    <dt>{words.licencePlan}</dt>
                    <dd>{licence.plan}</dd>
                  </>
                ) : null}
                {licence.expiresAt === null ? null : (
                  <>
                    <dt>{words.licenceUntil}</dt>
                    <dd>{format.value.date(licence.expiresAt)}</dd>
                  </>
                )}
                {licence.licenceId ? (
                  <>
                    <dt>{words.licenceId}</dt>
                    <dd>
                      <code>{licence.licenceId}</code>
                    </dd>
                  </>
                ) : null}
                <dt>{words.licenceChecked}</dt>
                <dd>{format.value.ago(licence.checkedAt, now.value)}</dd>
              </dl>
            </div>
          )}
        </Loaded>
      </div>
    </section>
  );
}

/** The programs of this computer, by what they do for the shop. */
export function ServicesPanel() {
  const { api, t, format, now } = useApp();
  const { settings: words } = t.value;
  const resource = useResource('services', api.services, (name) => name === 'services.changed');
  return (
    <section class="panel" aria-labelledby="servicos">
      <header>
        <h2 id="servicos">{words.services}</h2>
        {resource.data.value ? (
          <span class="push muted t13">
            {words.version} {resource.data.value.version}
          </span>
        ) : null}
      </header>
      <p class="in hint">{words.servicesText}</p>
      <Loaded resource={resource} rows={4}>
        {({ services }) => (
          <div class="rows">
            {services.map(({ name, online, at, version }) => (
              <div key={name}>
                <div class="grow">
                  <b class="block">{words.serviceNames[name]}</b>
                  {at === null ? null : (
                    <span class="muted t13">
                      {[words.serviceSince(format.value.dayTime(at, now.value)), version].filter(Boolean).join(' · ')}
                    </span>
                  )}
                </div>
                <StatusChip
                  {...(online
                    ? { tone: 'ok', icon: 'ok', text: words.serviceOn }
                    : { tone: 'bad', icon: 'alerta', text: words.serviceOff })}
                />
              </div>
            ))}
          </div>
        )}
      </Loaded>
    </section>
  );
}
