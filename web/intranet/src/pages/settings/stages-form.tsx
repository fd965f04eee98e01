import type { Settings } from '@sgp/shared/api/shop';
import { useState } from 'preact/hooks';
import { useApp } from '../../app-context.ts';
import { useSavingOff } from '../../parts/contact-notice.tsx';
import { Failure } from '../../parts/failure.tsx';
import { TextField } from '../../parts/field.tsx';
import { useSave } from './use-save.ts';

/** The shop's own words on fixed logic: order and meaning of the stages stay. */
export function StagesForm({
  settings,
  canEdit,
  onSaved,
}: {
  readonly settings: Settings;
  readonly canEdit: boolean;
  readonly onSaved: (settings: Settings) => void;
}) {
  const { api, toasts, resources, t, words } = useApp();
  const { settings: texts, common } = t.value;
  const [labels, setLabels] = useState<Readonly<Record<string, string>>>(
    Object.fromEntries(settings.stages.map(({ key, label }) => [key, label])),
  );
  const [isAsked, setAsked] = useState(false);
  const save = useSave();
  const savingOff = useSavingOff();
  const submit = () => {
    setAsked(true);
    if (settings.stages.some(({ key }) => (labels[key] ?? '').trim() === '')) return;
    save.run(async () => {
      onSaved(
        await api.saveSettings({
          stageLabels: settings.stages.map(({ key, label }) => ({ key, label: (labels[key] ?? label).trim() })),
        }),
      );
      void resources.refresh('board');
      toasts.show({ icon: 'ok', text: texts.stagesSaved });
    });
  };
  return (
    <section class="panel" aria-labelledby="etapas">
      <header>
        <h2 id="etapas">{texts.stages}</h2>
      </header>
      <form
        class="in stack"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <p class="hint">{texts.stagesText}</p>
        {settings.stages.map(({ key, label, status }, index) => (
          <TextField
            key={key}
            label={
              <span class="line apart">
                <span>
                  <span class="sr">{label} </span>
                  {index + 1}
                </span>
                <span class="hint">{texts.stageSees(words.value.orderStatus[status])}</span>
              </span>
            }
            value={labels[key] ?? ''}
            error={isAsked && (labels[key] ?? '').trim() === '' ? texts.labelMissing : null}
            onValue={(value) => setLabels({ ...labels, [key]: value })}
            input={{ maxLength: 120, readOnly: !canEdit }}
          />
        ))}
        {save.failure ? <Failure error={save.failure} title={common.saveFailed} kept={common.keptOnScreen} /> : null}
        {canEdit ? (
          <div>
            <button class="btn" type="submit" aria-busy={save.isBusy} disabled={savingOff}>
              {common.save}
            </button>
          </div>
        ) : null}
      </form>
    </section>
  );
}
