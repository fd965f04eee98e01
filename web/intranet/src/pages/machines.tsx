import type { Machine, MachineCredential } from '@sgp/shared/api/machines';
import { Dialog } from '@sgp/ui/dialog.tsx';
import { Empty } from '@sgp/ui/empty.tsx';
import { Icon } from '@sgp/ui/icon.tsx';
import { StatusChip } from '@sgp/ui/status-chip.tsx';
import { useEffect, useState } from 'preact/hooks';
import { type ApiError, asApiError } from '../api-error.ts';
import { useApp, useResource } from '../app-context.ts';
import { isBelieved, machineStatus, slugOf, sortMachines } from '../logic/machine-status.ts';
import { useSavingOff } from '../parts/contact-notice.tsx';
import { CredentialDialog } from '../parts/credential-dialog.tsx';
import { Failure } from '../parts/failure.tsx';
import { TextField } from '../parts/field.tsx';
import { Loaded } from '../parts/loaded.tsx';
import { RefusalList } from '../parts/refusal-list.tsx';
import { useMachines } from '../parts/use-machines.ts';

export function Machines() {
  const { t } = useApp();
  const { machines: words } = t.value;
  const resource = useMachines();
  const [isConnecting, setConnecting] = useState(false);
  const [made, setMade] = useState<MachineCredential | null>(null);
  useEffect(() => {
    document.title = `${words.title} · SGP`;
  }, [words]);
  return (
    <>
      <div class="head">
        <h1>{words.title}</h1>
        <button class="btn primary" type="button" onClick={() => setConnecting(true)}>
          <Icon name="mais" />
          {words.connect}
        </button>
      </div>
      <Loaded resource={resource} rows={5}>
        {({ machines }) =>
          machines.length === 0 ? (
            <section class="panel">
              <Empty icon="maquina" title={words.emptyTitle} text={words.emptyText}>
                <button class="btn" type="button" onClick={() => setConnecting(true)}>
                  {words.connect}
                </button>
              </Empty>
            </section>
          ) : (
            <div class="machine-grid">
              {sortMachines(machines).map((machine) => (
                <MachineCard key={machine.machineId} machine={machine} />
              ))}
            </div>
          )
        }
      </Loaded>
      <Strangers />
      {isConnecting ? (
        <NewMachineDialog
          onClose={() => setConnecting(false)}
          onMade={(credential) => {
            setConnecting(false);
            setMade(credential);
            void resource.refresh();
          }}
        />
      ) : null}
      {made ? <CredentialDialog made={made} onClose={() => setMade(null)} /> : null}
    </>
  );
}

function MachineCard({ machine }: { readonly machine: Machine }) {
  const { t, format, now } = useApp();
  const { machines: words } = t.value;
  const believed = isBelieved(machine);
  const place = [machine.kind, machine.sector].filter(Boolean).join(' · ');
  const metrics = machine.metrics.filter(({ value }) => typeof value === 'number').slice(0, 2);
  return (
    <a
      class={believed || machine.signal === 'never' ? 'panel machine-card' : 'panel machine-card stale'}
      href={`/maquinas/${machine.machineId}`}
    >
      <div class="line apart">
        <b class="cut">{machine.name}</b>
        <StatusChip {...machineStatus(machine, now.value, t.value, format.value)} />
      </div>
      <span class="muted t13 cut">{place || machine.slug}</span>
      <dl class="facts across">
        <div>
          <dt>{words.piecesToday}</dt>
          <dd>
            <b class="num t20">{format.value.number(machine.today.good, 0)}</b>
          </dd>
        </div>
        {metrics.map(({ name, value }) => (
          <div key={name}>
            <dt class="cut">{name}</dt>
            <dd>
              <b class="num t20">{format.value.number(Number(value))}</b>
            </dd>
          </div>
        ))}
      </dl>
      <span class="line t13 muted machine-foot">
        {machine.order ? (
          <span class="cut">{`${machine.order.number} ${machine.order.customer}`}</span>
        ) : (
          <span class="cut">
            {machine.lastMessageAt === null
              ? words.waitingFirst
              : words.lastDataAt(format.value.ago(machine.lastMessageAt, now.value))}
          </span>
        )}
        {machine.refusedCount > 0 ? (
          <span class="push">
            <StatusChip tone="none" icon="bloqueio" text={words.refused(machine.refusedCount)} bare />
          </span>
        ) : null}
      </span>
    </a>
  );
}

/** Devices that tried to enter and belong to no machine of ours. Nothing is shown while nobody tried. */
function Strangers() {
  const { api, t } = useApp();
  const resource = useResource('refusals', api.refusals, (name) => name === 'refusal.changed');
  const refusals = resource.data.value;
  if (!refusals || refusals.last.length === 0) return null;
  return (
    <section class="panel" aria-labelledby="estranhos">
      <header>
        <h2 id="estranhos">{t.value.machines.unknownTitle}</h2>
        <span class="muted t13">{t.value.machines.unknownText}</span>
      </header>
      <RefusalList refusals={refusals} showsUser />
    </section>
  );
}

function NewMachineDialog({
  onClose,
  onMade,
}: {
  readonly onClose: () => void;
  readonly onMade: (made: MachineCredential) => void;
}) {
  const { api, t } = useApp();
  const { machines: words, common } = t.value;
  const [name, setName] = useState('');
  const [slug, setSlug] = useState('');
  const [isSlugTyped, setSlugTyped] = useState(false);
  const [kind, setKind] = useState('');
  const [sector, setSector] = useState('');
  const [isAsked, setAsked] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [failure, setFailure] = useState<ApiError | null>(null);
  const savingOff = useSavingOff();
  const nameProblem = name.trim() === '' ? words.nameMissing : null;
  const slugProblem = /^[a-z0-9]{1,32}$/.test(slug) ? null : words.slugWrong;
  async function create() {
    setAsked(true);
    if (nameProblem || slugProblem || isBusy) return;
    setBusy(true);
    setFailure(null);
    try {
      onMade(await api.createMachine({ name: name.trim(), slug, kind: kind.trim(), sector: sector.trim() }));
    } catch (cause) {
      setFailure(asApiError(cause));
      setBusy(false);
    }
  }
  const isTaken = failure?.code === 'ALREADY_EXISTS';
  return (
    <Dialog
      title={words.newTitle}
      onClose={onClose}
      onSubmit={() => void create()}
      footer={
        <>
          <button class="btn" type="button" onClick={onClose}>
            {common.cancel} <kbd>Esc</kbd>
          </button>
          <button class="btn primary" type="submit" aria-busy={isBusy} disabled={savingOff}>
            {words.create}
          </button>
        </>
      }
    >
      <TextField
        label={words.name}
        hint={words.nameHint}
        value={name}
        error={isAsked ? nameProblem : null}
        onValue={(value) => {
          setName(value);
          if (!isSlugTyped) setSlug(slugOf(value));
        }}
        input={{ autofocus: true, autocomplete: 'off', maxLength: 120 }}
      />
      <TextField
        label={words.slug}
        hint={words.slugHint}
        value={slug}
        error={isTaken ? words.slugTaken : isAsked ? slugProblem : null}
        onValue={(value) => {
          setSlug(value.toLowerCase());
          setSlugTyped(true);
          if (isTaken) setFailure(null);
        }}
        input={{ autocomplete: 'off', autocapitalize: 'none', spellcheck: false, maxLength: 32 }}
      />
      <div class="two">
        <TextField label={words.kind} value={kind} onValue={setKind} input={{ maxLength: 40, autocomplete: 'off' }} />
        <TextField
          label={words.sector}
          value={sector}
          onValue={setSector}
          input={{ maxLength: 40, autocomplete: 'off' }}
        />
      </div>
      {failure && !isTaken ? <Failure error={failure} title={common.saveFailed} kept={common.keptOnScreen} /> : null}
    </Dialog>
  );
}
