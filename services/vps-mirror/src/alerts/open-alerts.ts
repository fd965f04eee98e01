import type { Database } from '@sgp/service-kit/database';
import type { Log } from '@sgp/service-kit/log';
import type { Metrics } from '@sgp/service-kit/metrics';
import { createAlertMetrics } from './alert-metrics.ts';
import { type AlertOutbox, createAlertOutbox } from './alert-outbox.ts';
import { readSettings } from './alert-settings.ts';
import type { DeliverDeps } from './deliver-alerts.ts';
import type { WatchDeps } from './watch.ts';
import { createWebhookChannel, type WebhookDeps } from './webhook.ts';
import { openWebhookSecrets, type WebhookSecrets } from './webhook-secret.ts';

/** What watching, telling and the settings of both share. */
export type Alerts = Disposable & {
  readonly outbox: AlertOutbox;
  readonly secrets: WebhookSecrets;
  readonly mailAvailable: boolean;
  readonly targets: WebhookDeps['targets'];
  readonly watch: WatchDeps;
  readonly delivery: DeliverDeps;
};

export async function openAlerts(deps: {
  readonly db: Database;
  readonly metrics: Metrics;
  readonly keyDir: string;
  readonly mail: { readonly url: string; readonly from: string } | null;
  readonly targets: WebhookDeps['targets'];
  readonly log: Log;
  readonly now: () => number;
}): Promise<Alerts> {
  const { db, targets, log, now } = deps;
  const metrics = createAlertMetrics(deps.metrics);
  const outbox = createAlertOutbox(db);
  const secrets = await openWebhookSecrets(deps.keyDir);
  const secretsOf = async (companyId: string) => secrets.now(companyId, await readSettings(db, companyId), now());
  // The library for mail is only loaded where there is a mail server.
  const email = deps.mail && (await import('./mail.ts')).createMailChannel(deps.mail);
  const channels = { webhook: createWebhookChannel({ secretsOf, targets, now }), email };
  return {
    ...{ outbox, secrets, targets, mailAvailable: email !== null },
    watch: { db, metrics, now },
    delivery: { outbox, channels, metrics, log, now },
    [Symbol.dispose]: () => email?.[Symbol.dispose](),
  };
}
