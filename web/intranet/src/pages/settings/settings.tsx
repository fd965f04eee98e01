import { Icon } from '@sgp/ui/icon.tsx';
import { useEffect } from 'preact/hooks';
import { useApp, useResource } from '../../app-context.ts';
import { Loaded } from '../../parts/loaded.tsx';
import { LicencePanel, ServicesPanel } from './health.tsx';
import { People } from './people.tsx';
import { ShopForm } from './shop-form.tsx';
import { StagesForm } from './stages-form.tsx';

/** Shop, stages, people, licence and the health of the services. */
export function SettingsPage() {
  const { api, session, t } = useApp();
  const { settings: words } = t.value;
  const resource = useResource('settings', api.settings);
  const role = session.value?.user.role;
  const mayManage = role === 'owner' || role === 'manager';
  useEffect(() => {
    document.title = `${words.title} · SGP`;
  }, [words]);
  return (
    <>
      <div class="head">
        <h1>{words.title}</h1>
        <a class="btn" href="/api/docs" target="_blank" rel="noreferrer">
          <Icon name="documento" />
          {words.docs}
        </a>
      </div>
      <div class="settings">
        <div class="stack">
          <Loaded resource={resource} rows={6}>
            {(settings) => (
              <>
                <ShopForm settings={settings} canEdit={mayManage} onSaved={resource.set} />
                <StagesForm settings={settings} canEdit={mayManage} onSaved={resource.set} />
              </>
            )}
          </Loaded>
        </div>
        <div class="stack">
          {mayManage ? <People /> : null}
          <LicencePanel />
          <ServicesPanel />
        </div>
      </div>
    </>
  );
}
