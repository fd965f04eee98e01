import type { Settings } from '@sgp/shared/api/shop';
import { formatPhone } from '@sgp/ui/format';
import { useState } from 'preact/hooks';
import { useApp } from '../../app-context.ts';
import { isPhone } from '../../logic/order-form.ts';
import { useSavingOff } from '../../parts/contact-notice.tsx';
import { Failure } from '../../parts/failure.tsx';
import { Field, TextField } from '../../parts/field.tsx';
import { useSave } from './use-save.ts';

/** The four zones of Brazil (no daylight saving since 2019), named as the IANA database names them. */
const ZONES = ['America/Noronha', 'America/Sao_Paulo', 'America/Manaus', 'America/Rio_Branco'] as const;

const ZONE_NAMES: Readonly<Record<string, string>> = {
  'America/Noronha': 'Fernando de Noronha',
  'America/Sao_Paulo': 'Brasília, São Paulo',
  'America/Manaus': 'Manaus, Cuiabá',
  'America/Rio_Branco': 'Rio Branco',
};
const zoneName = (zone: string) => ZONE_NAMES[zone] ?? zone;

export function ShopForm({
  settings,
  canEdit,
  onSaved,
}: {
  readonly settings: Settings;
  readonly canEdit: boolean;
  readonly onSaved: (settings: Settings) => void;
}) {
  const { api, toasts, t } = useApp();
  const { settings: words, common, form } = t.value;
  const [shop, setShop] = useState(settings.shop);
  const [isAsked, setAsked] = useState(false);
  const save = useSave();
  const savingOff = useSavingOff();
  const problems = {
    name: shop.name.trim() === '' ? words.nameMissing : null,
    phone: shop.phone.trim() !== '' && !isPhone(shop.phone) ? form.customerPhoneWrong : null,
    whatsapp: shop.whatsapp.trim() !== '' && !isPhone(shop.whatsapp) ? form.customerPhoneWrong : null,
  };
  const submit = () => {
    setAsked(true);
    if (problems.name || problems.phone || problems.whatsapp) return;
    save.run(async () => {
      onSaved(
        await api.saveSettings({
          shop: { ...shop, name: shop.name.trim(), phone: shop.phone.trim(), whatsapp: shop.whatsapp.trim() },
        }),
      );
      toasts.show({ icon: 'ok', text: words.shopSaved });
    });
  };
  const zones: readonly string[] = ZONES.some((zone) => zone === shop.timeZone) ? ZONES : [shop.timeZone, ...ZONES];
  return (
    <section class="panel" aria-labelledby="loja">
      <header>
        <h2 id="loja">{words.shop}</h2>
      </header>
      <form
        class="in stack"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <p class="hint">{words.shopText}</p>
        <TextField
          label={words.shopName}
          value={shop.name}
          error={isAsked ? problems.name : null}
          onValue={(name) => setShop({ ...shop, name })}
          input={{ maxLength: 120, readOnly: !canEdit }}
        />
        <div class="two">
          <TextField
            label={words.phone}
            value={formatPhone(shop.phone)}
            error={isAsked ? problems.phone : null}
            onValue={(phone) => setShop({ ...shop, phone })}
            input={{ type: 'tel', inputMode: 'tel', maxLength: 20, readOnly: !canEdit }}
          />
          <TextField
            label={words.whatsapp}
            value={formatPhone(shop.whatsapp)}
            error={isAsked ? problems.whatsapp : null}
            onValue={(whatsapp) => setShop({ ...shop, whatsapp })}
            input={{ type: 'tel', inputMode: 'tel', maxLength: 20, readOnly: !canEdit }}
          />
        </div>
        <Field label={words.timeZone}>
          {({ id }) => (
            <select
              id={id}
              class="input"
              value={shop.timeZone}
              disabled={!canEdit}
              onChange={(event) => setShop({ ...shop, timeZone: event.currentTarget.value })}
            >
              {zones.map((zone) => (
                <option key={zone} value={zone}>
                  {zoneName(zone)}
                </option>
              ))}
            </select>
          )}
        </Field>
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
