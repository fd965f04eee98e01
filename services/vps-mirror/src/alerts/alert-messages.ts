import type { Database } from '@sgp/service-kit/database';
import type { webhookSchema } from '@sgp/shared/api/company';
import type * as z from 'zod';
import { type AlertMessage, enqueue } from './alert-outbox.ts';
import { readSettings } from './alert-settings.ts';
import { alertTexts } from './alert-texts.ts';
import { nameOf } from './establishment-names.ts';
import type { StoredOutage } from './incident-rows.ts';
import type { MailContent } from './mail.ts';

const types = { alert: 'establishment.offline', recovery: 'establishment.recovered' } as const;
const iso = (at: number): string => new Date(at).toISOString();

/**
 * Writes a message for each channel of the company, in the transaction in which the outage changed.
 * @returns whether there was any channel
 */
export async function tell(
  tx: Database,
  kind: AlertMessage['kind'],
  outage: Omit<StoredOutage, 'openedAt' | 'backSince'>,
  nowMs: number,
): Promise<boolean> {
  const { companyId, establishmentId, incidentId, startedAt, endedAt } = outage;
  const { settings } = await readSettings(tx, companyId);
  if (settings.webhookUrl === null && settings.emails.length === 0) return false;
  const name = await nameOf(tx, companyId, establishmentId);
  const webhook: z.infer<typeof webhookSchema> = {
    type: types[kind],
    timestamp: iso(nowMs),
    data: {
      ...{ incidentId, companyId, establishmentId, establishmentName: name, startedAt: iso(startedAt) },
      endedAt: endedAt === null ? null : iso(endedAt),
      durationSeconds: endedAt === null ? null : Math.round((endedAt - startedAt) / 1000),
    },
  };
  const shown = name ?? establishmentId;
  const mail: MailContent = alertTexts({ kind, name: shown, startedAt, endedAt }, settings);
  const of = { companyId, incidentId, kind };
  const messages: Omit<AlertMessage, 'messageId'>[] = settings.emails.map((target) => ({
    ...{ ...of, channel: 'email', target, content: JSON.stringify(mail) },
  }));
  if (settings.webhookUrl !== null)
    messages.push({ ...of, channel: 'webhook', target: settings.webhookUrl, content: JSON.stringify(webhook) });
  await enqueue(tx, messages, nowMs);
  return true;
}
