import { type Database, isPostgres } from '@sgp/service-kit/database';
import { newId } from '@sgp/service-kit/ids';
import type { Purger } from '../housekeeping.ts';
import { mirrorLimits } from '../mirror-limits.ts';

export type AlertMessage = {
  /** The same for every try: whoever gets the message twice can tell. */
  readonly messageId: string;
  readonly companyId: string;
  readonly incidentId: string;
  readonly kind: 'alert' | 'recovery';
  readonly channel: 'webhook' | 'email';
  /** The address, as it was when the message was written. */
  readonly target: string;
  /** What is sent, byte for byte in every try. */
  readonly content: string;
};

export type Delivery = AlertMessage & {
  readonly createdAt: number;
  readonly tries: number;
  readonly dueAt: number | null;
  readonly sentAt: number | null;
  readonly error: string | null;
};

/** Messages that are still to be sent, and what became of the others. */
export type AlertOutbox = Purger & {
  /** Takes messages that are due; nobody else is given them while they are being sent, however this process ends. */
  claim(nowMs: number): Promise<readonly Delivery[]>;
  sent(messageId: string, nowMs: number): Promise<void>;
  failed(delivery: Delivery, error: string, nowMs: number): Promise<'again' | 'given-up'>;
  list(companyId: string): Promise<readonly Delivery[]>;
};

/** Writes messages in the transaction of what caused them; one that is there already stays. */
export async function enqueue(
  tx: Database,
  messages: readonly Omit<AlertMessage, 'messageId'>[],
  nowMs: number,
): Promise<void> {
  if (messages.length === 0) return;
  const rows = messages.map(({ companyId, incidentId, kind, channel, target, content }) => ({
    ...{ message_id: newId(), company_id: companyId, incident_id: incidentId, kind, channel, target, content },
    ...{ created_at: nowMs, tries: 0, due_at: nowMs, sent_at: null, error: null },
  }));
  await tx('alert_outbox').insert(rows).onConflict(['incident_id', 'kind', 'channel', 'target']).ignore();
}

type Row = {
  readonly message_id: string;
  readonly company_id: string;
  readonly incident_id: string;
  readonly kind: Delivery['kind'];
  readonly channel: Delivery['channel'];
  readonly target: string;
  readonly content: string;
  readonly created_at: number;
  readonly tries: number;
  readonly due_at: number | null;
  readonly sent_at: number | null;
  readonly error: string | null;
};

const toDelivery = (row: Row): Delivery => ({
  messageId: row.message_id,
  companyId: row.company_id,
  incidentId: row.incident_id,
  kind: row.kind,
  channel: row.channel,
  target: row.target,
  content: row.content,
  createdAt: row.created_at,
  tries: row.tries,
  dueAt: row.due_at,
  sentAt: row.sent_at,
  error: row.error,
});

const errorMaxChars = 500;

export function createAlertOutbox(db: Database): AlertOutbox {
  return {
    claim: (nowMs) =>
      db.transaction(async (tx) => {
        const due = tx('alert_outbox as m')
          .where('m.due_at', '<=', nowMs)
          // Nobody is told that something is over before they were told that it began.
          .where((where) =>
            where
              .where('m.kind', 'alert')
              .orWhereNotExists((first) =>
                first
                  .from('alert_outbox as f')
                  .whereRaw('f.incident_id = m.incident_id and f.channel = m.channel and f.target = m.target')
                  .where('f.kind', 'alert')
                  .whereNotNull('f.due_at')
                  .select(tx.raw('1')),
              ),
          )
          .orderBy('m.created_at')
          .limit(mirrorLimits.alertsAtOnceMax)
          .select('m.message_id');
        const found = await (isPostgres(db) ? due.forUpdate('m').skipLocked() : due);
        if (found.length === 0) return [];
        const rows: readonly Row[] = await tx('alert_outbox')
          .whereIn(
            'message_id',
            found.map((row) => row.message_id),
          )
          .update({ due_at: nowMs + mirrorLimits.alertClaimMs, tries: tx.raw('tries + 1') })
          .returning('*');
        return rows.map(toDelivery);
      }),
    async sent(messageId, nowMs) {
      await db('alert_outbox').where({ message_id: messageId }).update({ due_at: null, sent_at: nowMs, error: null });
    },
    async failed({ messageId, tries, createdAt }, error, nowMs) {
      const retries = mirrorLimits.alertRetriesMs;
      const waitMs = retries[Math.min(tries, retries.length) - 1] ?? 0;
      const isOver = nowMs + waitMs - createdAt > mirrorLimits.alertGivenUpAfterMs;
      await db('alert_outbox')
        .where({ message_id: messageId, sent_at: null })
        .update({ due_at: isOver ? null : nowMs + waitMs, error: error.slice(0, errorMaxChars) });
      return isOver ? 'given-up' : 'again';
    },
    async list(companyId) {
      const rows: readonly Row[] = await db('alert_outbox')
        .where({ company_id: companyId })
        .orderBy('created_at', 'desc')
        .limit(mirrorLimits.alertsListedMax);
      return rows.map(toDelivery);
    },
    async purge(nowMs) {
      const before = nowMs - mirrorLimits.incidentsKeptDays * 24 * 60 * 60_000;
      await db('alert_outbox').whereNull('due_at').where('created_at', '<', before).delete();
      await db('incidents').where('ended_at', '<', before).delete();
      await db('maintenance_windows').where('until_at', '<', before).delete();
    },
  };
}
