import type { TelemetryMessage } from '@sgp/shared/floor-messages';
import { limits } from '@sgp/shared/limits';
import { fileSample, isSkewed } from '../clock.ts';
import { type MessageContext, timed } from './context.ts';

/** `up/telemetry`: each value is a sample, unique by machine, metric and time. The newest sample tells the clock. */
export async function takeTelemetry(context: MessageContext, samples: TelemetryMessage): Promise<boolean> {
  const { draft, machineId, receivedAt } = context;
  const newestTs = samples.reduce((newest, { ts }) => Math.max(newest, ts), 0);
  const skewBefore = draft.status(machineId).clockSkewMs;
  const answer = context.time(newestTs);
  const newest = { ts: newestTs, answer, receivedAt };
  let tooMany = false;
  for (const { ts, values } of samples) {
    const { at, skewMs } = fileSample(ts, newest);
    for (const [metric, value] of Object.entries(values))
      if (!(await draft.sample(machineId, { metric, at, skewMs, value }))) tooMany = true;
  }
  if (tooMany) await refuseMetrics(context);
  // Telemetry has no lines of its own: the first sample under a wrong clock writes one, so that its reason is seen.
  if (answer.machineAt !== null && answer.skewMs !== null && (skewBefore === null || !isSkewed(skewBefore)))
    await draft.line(
      machineId,
      {
        ...timed(answer),
        kind: 'signal',
        level: 'warn',
        code: 'clock',
        text: '',
        data: { skewMs: answer.skewMs },
      },
      `clock:${newestTs}`,
    );
  return true;
}

/** Values under names beyond the limit are left out, the others kept; one line a day says so. */
async function refuseMetrics({ draft, machineId, receivedAt }: MessageContext): Promise<void> {
  const code = 'FLOOR_SCHEMA_INVALID';
  const text = `values: more than ${limits.machineMetricsMax} different names; new ones are not kept`;
  const line = {
    at: receivedAt,
    machineAt: null,
    kind: 'refused',
    level: 'warn',
    code,
    text,
    mark: code,
    data: {},
  } as const;
  await draft.line(machineId, line, `metrics:${draft.day(receivedAt)}`);
  draft.refuse(machineId, code, receivedAt);
}
