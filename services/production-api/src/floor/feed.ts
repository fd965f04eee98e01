import type { EventHub } from '@sgp/service-kit/sse';
import type { ShopEventName, ShopEvents } from '@sgp/shared/api/events';
import type { LogLine, Machine } from '@sgp/shared/api/machines';
import { limits } from '@sgp/shared/limits';
import { noMachine } from './no-machine.ts';
import type { Outcome } from './outcome.ts';

type Sample = ShopEvents['machine.telemetry']['samples'][number];

/** News of the machines for open screens: gathered, and sent at most once in `machineEventsIntervalMs` for each machine. */
export type Feed = Disposable & {
  committed(outcome: Outcome): void;
  /** Something other than a message changed how the machine is shown. */
  changed(machineId: string): void;
};

/** Samples of one event: beyond it the oldest are left out, the series itself is read from the database. */
const samplesPerEventMax = 2_000;

export function createFeed(
  hub: Pick<EventHub, 'send' | 'size'>,
  machines: { view(machineId: string): Machine | null; signal(machineId: string): Machine['signal'] | null },
): Feed {
  const samples = new Map<string, Sample[]>();
  const lines = new Map<string, LogLine[]>();
  const changed = new Set<string>();
  /** What the screens were told last of each machine's signal: its change is news even when nothing else is. */
  const signals = new Map<string, Machine['signal']>();
  let refusedAt: number | null = null;
  let timer: NodeJS.Timeout | undefined;

  const send = <Name extends ShopEventName>(event: Name, data: ShopEvents[Name]): void =>
    hub.send('shop', { event, data });
  const flush = (): void => {
    timer = undefined;
    for (const machineId of changed) {
      const machine = machines.view(machineId);
      if (machine) send('machine.changed', machine);
    }
    for (const [machineId, gathered] of samples) send('machine.telemetry', { machineId, samples: gathered });
    for (const [machineId, gathered] of lines) send('machine.log', { machineId, lines: gathered });
    if (refusedAt !== null) send('refusal.changed', { at: refusedAt });
    changed.clear();
    samples.clear();
    lines.clear();
    refusedAt = null;
  };
  const schedule = (): void => {
    timer ??= setTimeout(flush, limits.machineEventsIntervalMs);
  };
  const noteSignal = (machineId: string): void => {
    const signal = machines.signal(machineId);
    if (signal === null || signals.get(machineId) === signal) return;
    signals.set(machineId, signal);
    changed.add(machineId);
  };
  return {
    committed(outcome) {
      // Nobody looks: whoever comes reads afresh.
      if (hub.size === 0) return;
      for (const [machineId, fresh] of outcome.samples) gatherSamples(samples, machineId, fresh);
      for (const [machineId, fresh] of outcome.lines) {
        if (machineId === noMachine) continue;
        lines.set(machineId, [...(lines.get(machineId) ?? []), ...fresh]);
        changed.add(machineId);
      }
      for (const { machineId, lastAt } of outcome.refusals) {
        if (machineId === noMachine) refusedAt = Math.max(refusedAt ?? 0, lastAt);
        else changed.add(machineId);
      }
      for (const machineId of outcome.statuses.keys()) noteSignal(machineId);
      schedule();
    },
    changed(machineId) {
      if (hub.size === 0) return;
      changed.add(machineId);
      schedule();
    },
    [Symbol.dispose]() {
      clearTimeout(timer);
    },
  };
}

function gatherSamples(all: Map<string, Sample[]>, machineId: string, fresh: readonly Sample[]): void {
  const known = all.get(machineId) ?? [];
  for (const { at, metric, value } of fresh) known.push({ at, metric, value });
  all.set(machineId, known.length > samplesPerEventMax ? known.slice(-samplesPerEventMax) : known);
}
