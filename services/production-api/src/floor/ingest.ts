import type { BusMessage } from '@sgp/service-kit/bus-intake';
import type { Log } from '@sgp/service-kit/log';
import { limits } from '@sgp/shared/limits';
import type { Away, AwayWindow } from './away.ts';
import { judgeTime, localDay, type TimeAnswer } from './clock.ts';
import { createDraft, type Draft } from './draft.ts';
import type { FloorEntry } from './floor-entry.ts';
import type { FloorMetrics } from './floor-metrics.ts';
import type { Listening } from './listening.ts';
import type { LiveMachines } from './live.ts';
import { takeCount } from './messages/count.ts';
import { takeEvent } from './messages/event.ts';
import { takeOnline } from './messages/online.ts';
import { takeBad, takeRefusal } from './messages/refused.ts';
import { takeResult } from './messages/result.ts';
import { takeScan } from './messages/scan.ts';
import { takeState } from './messages/state.ts';
import { takeTelemetry } from './messages/telemetry.ts';
import { noMachine } from './no-machine.ts';
import type { OrderLookup } from './order-lookup.ts';
import type { Outcome } from './outcome.ts';
import { parseFloorMessage, printable } from './parse.ts';
import { lastHeard } from './signal.ts';
import type { TelemetryWriter } from './telemetry-tx.ts';

export type IngestDeps = {
  readonly est: string;
  readonly timeZone: () => string;
  readonly writer: TelemetryWriter;
  readonly live: LiveMachines;
  readonly orders: OrderLookup;
  /** The machine of a device's name or user name; undefined when none is registered. */
  readonly machines: {
    bySlug(slug: string): string | undefined;
    byUsername(username: string): string | undefined;
  };
  /** While we were away the broker kept messages for us. */
  readonly away: Pick<Away, 'window'>;
  readonly listening: Pick<Listening, 'until'>;
  readonly metrics: FloorMetrics;
  readonly log: Pick<Log, 'error'>;
  /** Hears what a batch changed, after it is on the disk and in memory. */
  readonly committed: (outcome: Outcome) => void;
};

type Message = Extract<FloorEntry, { readonly body: unknown; readonly retained: boolean }>;

/**
 * Stores batches of the floor's messages, each in one transaction. A message that cannot be read is stored as refused;
 * one whose content breaks the transaction is found by halving the batch and refused too, so that no message ever holds
 * up the others. Rejects when the fault is not in a message (a full disk, a locked or lost database, orders that cannot
 * be looked up): then the caller keeps the batch and commits it again, and what was stored of it is known as a repeat.
 */
export function createIngest(deps: IngestDeps): { commit(batch: readonly BusMessage[]): Promise<void> } {
  const store = async (entries: readonly FloorEntry[], order: Orders): Promise<void> => {
    const outcome = await deps.writer.transaction(async (tx) => {
      const day = (at: number): string => localDay(at, deps.timeZone());
      const { draft, finish } = createDraft(tx, { live: deps.live, order, day });
      for (const entry of entries) await take(deps, draft, entry);
      return finish();
    });
    deps.live.apply(outcome);
    deps.metrics.committed(entries, outcome);
    deps.committed(outcome);
  };
  const storeOrHalve = async (entries: readonly FloorEntry[], order: Orders): Promise<void> => {
    try {
      return await store(entries, order);
    } catch (error) {
      const [first] = entries;
      if (!first || !isDataError(error)) throw error;
      if (entries.length === 1) {
        await store([asBad(first, error)], order);
        deps.log.error({ err: error, kind: first.kind }, 'a floor message could not be stored and was refused');
        return;
      }
    }
    const half = Math.ceil(entries.length / 2);
    await storeOrHalve(entries.slice(0, half), order);
    await storeOrHalve(entries.slice(half), order);
  };
  return {
    async commit(batch) {
      const end = deps.metrics.commitSeconds.startTimer();
      const entries = batch.map((message) => parseFloorMessage(deps.est, message));
      // Outside of the halving: an order that cannot be looked up is no fault of the message that names it.
      await storeOrHalve(entries, await deps.orders.lookUp(entries.flatMap(orderRefs)));
      end();
    },
  };
}

type Orders = Awaited<ReturnType<OrderLookup['lookUp']>>;

/** SQLite's result codes, and PostgreSQL's classes 22 (data exception) and 23 (constraint), that a value causes. */
const dataErrorCode = /^(SQLITE_CONSTRAINT|SQLITE_MISMATCH|2[23][0-9A-Z]{3}$)/;

/** Is it the message's content that cannot be stored? Every other fault passes, and the message must outlive it. */
const isDataError = (error: unknown): boolean =>
  error instanceof TypeError ||
  error instanceof RangeError ||
  dataErrorCode.test(String((error as { code?: unknown } | null)?.code));

/** Texts of an entry that may name an order. */
function orderRefs(entry: FloorEntry): string[] {
  if (entry.kind === 'scan') return [entry.body.code];
  if (entry.kind === 'count' && entry.body.order !== undefined) return [entry.body.order];
  return [];
}

async function take(deps: IngestDeps, draft: Draft, entry: FloorEntry): Promise<void> {
  switch (entry.kind) {
    case 'none':
      return;
    case 'refusal': {
      const { username } = entry.body;
      return takeRefusal(draft, (username !== null && deps.machines.byUsername(username)) || noMachine, entry.body);
    }
    case 'online': {
      const machineId = deps.machines.bySlug(entry.device);
      return machineId === undefined ? undefined : takeOnline(draft, machineId, entry.body, deps.listening);
    }
    case 'bad':
      return takeBad(draft, (entry.device !== null && deps.machines.bySlug(entry.device)) || noMachine, entry);
    default: {
      const machineId = deps.machines.bySlug(entry.device);
      if (machineId !== undefined) return takeMessage(deps, draft, machineId, entry);
      return takeBad(draft, noMachine, unregistered(entry));
    }
  }
}

async function takeMessage(deps: IngestDeps, draft: Draft, machineId: string, entry: Message): Promise<void> {
  const { receivedAt, retained } = entry;
  const before = draft.status(machineId);
  let answer: TimeAnswer = { at: receivedAt, machineAt: null, skewMs: null };
  const context = {
    draft,
    machineId,
    receivedAt,
    retained,
    time(ts: number): TimeAnswer {
      answer = judgeTime({
        ts,
        receivedAt,
        retained,
        away: deps.away.window(receivedAt),
        knownSkewMs: before.clockSkewMs,
      });
      return answer;
    },
  };
  const news = await dispatch(context, entry);
  if (!news) return;
  if (answer.machineAt !== null) draft.refuse(machineId, 'FLOOR_CLOCK_SKEW', receivedAt);
  const heardAt = lastHeard(before);
  if (heardAt !== null && before.online !== false && wasSilent(heardAt, answer.at, deps.away.window(receivedAt)))
    await heardAgain(draft, machineId, heardAt, answer.at);
  draft.patch(machineId, {
    // A clock that is minutes ahead must not hide a silence.
    lastMessageAt: Math.max(before.lastMessageAt ?? 0, Math.min(answer.at, receivedAt)),
    ...(answer.skewMs !== null && { clockSkewMs: answer.skewMs }),
  });
}

function dispatch(context: Parameters<typeof takeState>[0], entry: Message): Promise<boolean> {
  switch (entry.kind) {
    case 'state':
      return takeState(context, entry.body);
    case 'telemetry':
      return takeTelemetry(context, entry.body);
    case 'count':
      return takeCount(context, entry.body);
    case 'event':
      return takeEvent(context, entry.body);
    case 'scan':
      return takeScan(context, entry.body);
    case 'result':
      return takeResult(context, entry.body);
  }
}

/** The time in which nobody listened is no silence of the machine. */
function wasSilent(since: number, at: number, away: AwayWindow | null): boolean {
  const awayMs = away === null ? 0 : Math.max(0, Math.min(at, away.to) - Math.max(since, away.from));
  return at - since - awayMs > limits.machineSilentAfterMs;
}

/** Ends a gap in which the machine was connected, as far as anybody knew, and said nothing. */
async function heardAgain(draft: Draft, machineId: string, since: number, at: number): Promise<void> {
  const line = { at, machineAt: null, mark: null, kind: 'signal', level: 'info', code: 'heard', text: '' } as const;
  await draft.line(machineId, { ...line, data: { since } }, `${at}:heard`);
}

type Bad = Parameters<typeof takeBad>[2];

const unregistered = ({ topic, receivedAt }: Message): Bad => ({
  code: 'NOT_FOUND',
  detail: 'No machine of this shop has this name.',
  topic,
  excerpt: '',
  sizeBytes: 0,
  receivedAt,
});

/** The message that broke its transaction: kept as refused, with what the database said in the log only. */
function asBad(entry: FloorEntry, error: unknown): FloorEntry {
  if (entry.kind === 'none' || entry.kind === 'bad') throw error;
  const device = 'device' in entry ? entry.device : null;
  return {
    kind: 'bad',
    device,
    receivedAt: 'receivedAt' in entry ? entry.receivedAt : entry.body.at,
    topic: 'topic' in entry ? entry.topic : entry.kind,
    code: 'INTERNAL',
    detail: 'The message could not be stored; the log of production-api has the cause.',
    excerpt: printable(JSON.stringify(entry.body)),
    sizeBytes: 0,
  };
}
