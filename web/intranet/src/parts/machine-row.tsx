import type { Machine } from '@sgp/shared/api/machines';
import { StatusChip } from '@sgp/ui/status-chip.tsx';
import { useApp } from '../app-context.ts';
import { isBelieved, machineStatus } from '../logic/machine-status.ts';

/** One machine in a list: what it is, what it works on, how it is. Grey when what it said cannot be believed now. */
export function MachineRow({ machine }: { readonly machine: Machine }) {
  const { t, format, now } = useApp();
  const { machines } = t.value;
  const facts = isBelieved(machine)
    ? [
        machine.kind || machine.sector,
        machine.order ? machine.order.number : '',
        machine.today.good > 0 ? machines.today(machine.today.good, format.value.number(machine.today.good, 0)) : '',
      ]
        .filter(Boolean)
        .join(' · ')
    : machine.lastMessageAt === null
      ? machine.kind || machine.sector
      : machines.lastDataAt(format.value.dayTime(machine.lastMessageAt, now.value));
  return (
    <a
      href={`/maquinas/${machine.machineId}`}
      class={isBelieved(machine) || machine.signal === 'never' ? undefined : 'stale'}
    >
      <div class="grow">
        <b class="cut">{machine.name}</b>
        <small class="cut">{facts || machine.slug}</small>
      </div>
      <StatusChip {...machineStatus(machine, now.value, t.value, format.value)} />
    </a>
  );
}
