import type { Log } from '@sgp/service-kit/log';
import { createDraft } from './draft.ts';
import type { LiveMachines } from './live.ts';
import type { Outcome } from './outcome.ts';
import { lastHeard, signalOf } from './signal.ts';
import type { TelemetryWriter } from './telemetry-tx.ts';

const lookEveryMs = 2_000;

/**
 * Writes a line when a machine that is connected falls silent: the one change of its signal that no message brings.
 * Disposing waits for the line in hand.
 */
export function watchSilence(deps: {
  readonly machineIds: () => readonly string[];
  readonly writer: TelemetryWriter;
  readonly live: LiveMachines;
  readonly committed: (outcome: Outcome) => void;
  readonly log: Pick<Log, 'warn'>;
}): AsyncDisposable {
  /** Since when each silent machine is silent, as far as it was told. */
  const told = new Map<string, number>();
  let running: Promise<void> | null = null;

  const look = async (): Promise<void> => {
    const now = Date.now();
    for (const machineId of deps.machineIds()) {
      const status = deps.live.status(machineId);
      const since = lastHeard(status);
      if (since === null || signalOf(status, null, now).signal !== 'silent' || told.get(machineId) === since) continue;
      const outcome = await noteSilence(deps, machineId, since, now);
      told.set(machineId, since);
      deps.live.apply(outcome);
      deps.committed(outcome);
    }
  };
  const timer = setInterval(() => {
    running ??= look()
      .catch((err) => deps.log.warn({ err }, 'a silent machine could not be noted'))
      .finally(() => {
        running = null;
      });
  }, lookEveryMs);
  timer.unref();
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await running;
    },
  };
}

function noteSilence(
  { writer, live }: { readonly writer: TelemetryWriter; readonly live: LiveMachines },
  machineId: string,
  since: number,
  at: number,
): Promise<Outcome> {
  return writer.transaction(async (tx) => {
    const { draft, finish } = createDraft(tx, { live, order: () => null, day: () => '' });
    const line = { at, machineAt: null, mark: null, kind: 'signal', level: 'warn', code: 'silent', text: '' } as const;
    await draft.line(machineId, { ...line, data: { since } }, `${since}:silent`);
    return finish();
  });
}
