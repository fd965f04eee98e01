import type { Machine, MachineCredential } from '@sgp/shared/api/machines';
import { Empty } from '@sgp/ui/empty.tsx';
import { Icon } from '@sgp/ui/icon.tsx';
import { useEffect, useState } from 'preact/hooks';
import { useRoute } from 'preact-iso';
import { useApp, useResource } from '../../app-context.ts';
import { CredentialDialog } from '../../parts/credential-dialog.tsx';
import { Loaded } from '../../parts/loaded.tsx';
import { RefusalList } from '../../parts/refusal-list.tsx';
import { useMachine } from '../../parts/use-machines.ts';
import { ConnectionDialog } from './connection-dialog.tsx';
import { MachineLog } from './machine-log.tsx';
import { MachineState } from './machine-state.tsx';
import { Telemetry } from './telemetry.tsx';

export function MachinePage() {
  const { params } = useRoute();
  const { t } = useApp();
  const machineId = params['id'] ?? '';
  const resource = useMachine(machineId);
  if (resource.error.value?.code === 'NOT_FOUND') {
    return (
      <section class="panel">
        <Empty isPage icon="maquina" title={t.value.machines.machineNotFound}>
          <a class="btn" href="/maquinas">
            {t.value.machines.title}
          </a>
        </Empty>
      </section>
    );
  }
  return (
    <Loaded resource={resource} rows={6}>
      {(machine) => <MachineView key={machine.machineId} machine={machine} onMachine={resource.set} />}
    </Loaded>
  );
}

/** Why did it stop? The state takes the top; chart, order and log below explain it. */
function MachineView({
  machine,
  onMachine,
}: {
  readonly machine: Machine;
  readonly onMachine: (machine: Machine) => void;
}) {
  const { t } = useApp();
  const { machines: words } = t.value;
  const [isConnection, setConnection] = useState(false);
  const [made, setMade] = useState<MachineCredential | null>(null);
  useEffect(() => {
    document.title = `${machine.name} · SGP`;
  }, [machine.name]);
  return (
    <>
      <div class="head">
        <div>
          <p class="t13">
            <a href="/maquinas">{words.title}</a> <span class="faint">/</span> {machine.sector || words.unnamedSector}
          </p>
          <h1>{machine.name}</h1>
        </div>
        <button class="btn" type="button" onClick={() => setConnection(true)}>
          <Icon name="ajustes" />
          {words.connection}
        </button>
      </div>
      <MachineState machine={machine} />
      <div class="machine">
        <Telemetry machine={machine} />
        <div class="stack">
          <OrderOnMachine machine={machine} />
          <MachineLog machineId={machine.machineId} />
          <Refused machine={machine} />
        </div>
      </div>
      {isConnection ? (
        <ConnectionDialog
          machine={machine}
          onClose={() => setConnection(false)}
          onMachine={onMachine}
          onMade={(credential) => {
            setConnection(false);
            setMade(credential);
            onMachine(credential.machine);
          }}
        />
      ) : null}
      {made ? <CredentialDialog made={made} onClose={() => setMade(null)} /> : null}
    </>
  );
}

function OrderOnMachine({ machine }: { readonly machine: Machine }) {
  const { t } = useApp();
  const { machines: words } = t.value;
  return (
    <section class="panel" aria-labelledby="na-maquina">
      <header>
        <h2 id="na-maquina">{words.onOrder}</h2>
      </header>
      {machine.order ? (
        <a class="job plain" href={`/pedidos/${machine.order.orderId}`}>
          <b class="muted t12">{machine.order.number}</b>
          <h3>{machine.order.customer}</h3>
        </a>
      ) : (
        <p class="in muted t14">{words.noOrder}</p>
      )}
    </section>
  );
}

function Refused({ machine }: { readonly machine: Machine }) {
  const { api, t } = useApp();
  const { machines: words } = t.value;
  const resource = useResource(
    `machine-refusals:${machine.machineId}`,
    () => api.machineRefusals(machine.machineId),
    (name, data) => name === 'machine.changed' && (data as Machine).machineId === machine.machineId,
  );
  const refusals = resource.data.value;
  if (!refusals || refusals.counts.length === 0) return null;
  return (
    <section class="panel" aria-labelledby="recusas">
      <header>
        <h2 id="recusas">{words.refusals}</h2>
        <span class="push muted t13">{words.refused(refusals.counts.reduce((sum, { count }) => sum + count, 0))}</span>
      </header>
      <RefusalList refusals={refusals} />
    </section>
  );
}
