import type { LogLine } from '@sgp/shared/api/machines';
import type { ErrorCode } from '@sgp/shared/errors';
import { limits } from '@sgp/shared/limits';
import type { LiveMachines } from './live.ts';
import type { LineContent } from './log-line.ts';
import type { NewSample, Outcome, SampleValue } from './outcome.ts';
import type { MachineStatus, OrderTie } from './status.ts';
import type { SampleRow, TelemetryTx } from './telemetry-tx.ts';

/** The work on one batch inside its transaction: what the message handlers read and write. */
export type Draft = {
  status(machineId: string): MachineStatus;
  patch(machineId: string, change: Partial<MachineStatus>): void;
  /** Stores a line. Null when the message was stored before. */
  line(machineId: string, line: LineContent, messageKey: string): Promise<LogLine | null>;
  hasLine: TelemetryTx['hasLine'];
  lineTime: TelemetryTx['lineTime'];
  stateBefore: TelemetryTx['stateBefore'];
  /** Takes a sample; it is stored with all others at the end. False when the machine has too many metrics. */
  sample(machineId: string, sample: NewSample): Promise<boolean>;
  count(machineId: string, day: string, good: number, scrap: number): Promise<void>;
  deliver: TelemetryTx['addDelivery'];
  refuse(machineId: string, code: ErrorCode, at: number): void;
  /** What a scanned text or an order's number named, looked up before the transaction. */
  order(ref: string): OrderTie | null;
  day(at: number): string;
};

const listOf = <Value>(lists: Map<string, Value[]>, key: string): Value[] => {
  const known = lists.get(key);
  if (known) return known;
  const list: Value[] = [];
  lists.set(key, list);
  return list;
};

/** Drafts a batch over what is in memory. Nothing is changed there before the commit: `finish` gives what to apply. */
export function createDraft(
  tx: TelemetryTx,
  given: {
    readonly live: Pick<LiveMachines, 'status' | 'metricId' | 'metricCount'>;
    readonly order: Draft['order'];
    readonly day: Draft['day'];
  },
): { readonly draft: Draft; finish(): Promise<Outcome> } {
  const statuses = new Map<string, MachineStatus>();
  const metricIds = new Map<string, Map<string, number>>();
  const lines = new Map<string, LogLine[]>();
  const samples: { readonly machineId: string; readonly sample: NewSample }[] = [];
  const rows: SampleRow[] = [];
  const counts: Outcome['counts'][number][] = [];
  const refusals = new Map<string, { machineId: string; code: ErrorCode; count: number; lastAt: number }>();
  let repeats = 0;

  const status = (machineId: string): MachineStatus => statuses.get(machineId) ?? given.live.status(machineId);
  const metricIdOf = async (machineId: string, name: string): Promise<number | null> => {
    const known = given.live.metricId(machineId, name) ?? metricIds.get(machineId)?.get(name);
    if (known !== undefined) return known;
    const fresh = metricIds.get(machineId) ?? new Map<string, number>();
    if (given.live.metricCount(machineId) + fresh.size >= limits.machineMetricsMax) return null;
    const metricId = await tx.createMetric(machineId, name);
    metricIds.set(machineId, fresh.set(name, metricId));
    return metricId;
  };
  const draft: Draft = {
    status,
    patch(machineId, change) {
      statuses.set(machineId, { ...status(machineId), ...change });
    },
    async line(machineId, line, messageKey) {
      const lineId = await tx.insertLine({ ...line, machineId, messageKey });
      if (lineId === null) {
        repeats += 1;
        return null;
      }
      const stored = { lineId: String(lineId), ...line };
      listOf(lines, machineId).push(stored);
      return stored;
    },
    hasLine: tx.hasLine,
    lineTime: tx.lineTime,
    stateBefore: tx.stateBefore,
    async sample(machineId, sample) {
      const metricId = await metricIdOf(machineId, sample.metric);
      if (metricId === null) return false;
      const { at, skewMs, value } = sample;
      rows.push({ metricId, at, skewMs, ...columnsOf(value) });
      samples.push({ machineId, sample });
      return true;
    },
    async count(machineId, day, good, scrap) {
      await tx.addCount(machineId, day, good, scrap);
      counts.push({ machineId, day, good, scrap });
    },
    deliver: tx.addDelivery,
    refuse(machineId, code, at) {
      const key = `${machineId}/${code}`;
      const known = refusals.get(key) ?? { machineId, code, count: 0, lastAt: at };
      refusals.set(key, { ...known, count: known.count + 1, lastAt: Math.max(known.lastAt, at) });
    },
    order: given.order,
    day: given.day,
  };
  return {
    draft,
    async finish() {
      const inserted = await tx.insertSamples(rows);
      const fresh = new Map<string, NewSample[]>();
      for (const [index, { machineId, sample }] of samples.entries()) {
        if (inserted[index]) listOf(fresh, machineId).push(sample);
        else repeats += 1;
      }
      for (const { machineId, code, count, lastAt } of refusals.values())
        await tx.addRefusals(machineId, code, count, lastAt);
      for (const [machineId, changed] of statuses) await tx.saveStatus(machineId, changed);
      const metrics = [...metricIds].flatMap(([machineId, names]) =>
        [...names].map(([name, metricId]) => ({ machineId, name, metricId })),
      );
      return { statuses, metrics, samples: fresh, lines, counts, refusals: [...refusals.values()], repeats };
    },
  };
}

/** A boolean is kept as number and word, so that it can be charted and still be told from a number. */
function columnsOf(value: SampleValue): Pick<SampleRow, 'number' | 'word'> {
  if (typeof value === 'number') return { number: value, word: null };
  if (typeof value === 'boolean') return { number: value ? 1 : 0, word: String(value) };
  return { number: null, word: value };
}

export function sampleValue({ number, word }: Pick<SampleRow, 'number' | 'word'>): SampleValue {
  if (number === null) return word ?? '';
  return word === null ? number : number === 1;
}
