import type { Database } from '@sgp/service-kit/database';
import type { AlertOutbox } from '../alerts/alert-outbox.ts';
import type { WebhookDeps } from '../alerts/webhook.ts';
import type { WebhookSecrets } from '../alerts/webhook-secret.ts';
import type { DownWriter } from '../downlink/down-writer.ts';
import type { CoreClock } from '../shared/core-clock.ts';

/** What the routes of a company need. */
export type CompanyDeps = {
  readonly db: Database;
  readonly down: Pick<DownWriter, 'inCompany'>;
  readonly clock: CoreClock;
  readonly alerts: {
    readonly outbox: Pick<AlertOutbox, 'list'>;
    readonly secrets: WebhookSecrets;
    readonly mailAvailable: boolean;
    readonly targets: WebhookDeps['targets'];
  };
  readonly now: () => number;
};
