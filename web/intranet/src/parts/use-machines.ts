import type { Machine } from '@sgp/shared/api/machines';
import { useEffect } from 'preact/hooks';
import { useApp, useResource } from '../app-context.ts';
import { type Samples, withSamples } from '../logic/machine-samples.ts';
import type { Resource } from '../resources.ts';

/** A machine may speak ten times a second; figures that change faster than this are not read. */
const SHOW_EVERY_MS = 250;

/** Every machine of the shop, with what each measures while it measures. */
export function useMachines(): Resource<{ machines: Machine[] }> {
  const { api } = useApp();
  const resource = useResource('machines', api.machines, (name) => name === 'machine.changed');
  useSamples((samplesOf, heardAt) =>
    resource.update(({ machines }) => ({
      machines: machines.map((machine) => withSamples(machine, samplesOf(machine.machineId), heardAt)),
    })),
  );
  return resource;
}

/** One machine, with what it measures while it measures. */
export function useMachine(machineId: string): Resource<Machine> {
  const { api } = useApp();
  const resource = useResource<Machine>(
    `machine:${machineId}`,
    () => api.machine(machineId),
    (name, data) => name === 'machine.changed' && (data as Machine).machineId === machineId,
  );
  useSamples((samplesOf, heardAt) => resource.update((machine) => withSamples(machine, samplesOf(machineId), heardAt)));
  return resource;
}

/** Telemetry makes no change of a machine by itself, so its values come with the samples and not with a new read. */
function useSamples(show: (samplesOf: (machineId: string) => Samples, heardAt: number) => void) {
  const { live, now } = useApp();
  useEffect(() => {
    const waiting = new Map<string, Samples>();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const flush = () => {
      timer = undefined;
      show((machineId) => waiting.get(machineId) ?? [], now.peek());
      waiting.clear();
    };
    const stop = live.listen((name, data) => {
      if (name !== 'machine.telemetry') return;
      const { machineId, samples } = data as { readonly machineId: string; readonly samples: Samples };
      waiting.set(machineId, [...(waiting.get(machineId) ?? []), ...samples]);
      timer ??= setTimeout(flush, SHOW_EVERY_MS);
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [live]);
}
