import type { Log } from '@sgp/service-kit/log';
import { mirrorLimits } from '../mirror-limits.ts';
import type { AlertMetrics } from './alert-metrics.ts';
import type { AlertOutbox, Delivery } from './alert-outbox.ts';

/** A way to people. It rejects when the message did not arrive for sure. */
export type AlertChannel = { send(message: Delivery): Promise<void> };
export type AlertChannels = { readonly [C in Delivery['channel']]: AlertChannel | null };

export type DeliverDeps = {
  readonly outbox: Pick<AlertOutbox, 'claim' | 'sent' | 'failed'>;
  readonly channels: AlertChannels;
  readonly metrics: AlertMetrics;
  readonly log: Log;
  readonly now: () => number;
};

/**
 * Sends everything that is due. A crash after a message went out and before that is stored sends it once more, under the
 * same id; one before sends it when its claim has ended.
 */
export async function deliverDue(deps: DeliverDeps): Promise<void> {
  for (;;) {
    const claimed = await deps.outbox.claim(deps.now());
    if (claimed.length === 0) return;
    await Promise.all(claimed.map((delivery) => deliver(deps, delivery)));
  }
}

async function deliver({ outbox, channels, metrics, log, now }: DeliverDeps, delivery: Delivery): Promise<void> {
  const { messageId, channel, kind, tries } = delivery;
  try {
    const way = channels[channel];
    if (way === null) throw new Error(`no ${channel} is configured at this Core`);
    await way.send(delivery);
  } catch (err) {
    const then = await outbox.failed(delivery, err instanceof Error ? err.message : String(err), now());
    metrics.delivered(channel, then);
    log.warn({ err, messageId, channel, kind, tries, then }, 'an alert could not be sent');
    return;
  }
  await outbox.sent(messageId, now());
  metrics.delivered(channel, 'sent');
}

/** Sends in the background, regularly and when called. */
export function startDelivery(deps: DeliverDeps): AsyncDisposable & { readonly wake: () => void } {
  let running: Promise<void> | undefined;
  let again = false;
  const run = async (): Promise<void> => {
    do {
      again = false;
      await deliverDue(deps).catch((err: unknown) => deps.log.warn({ err }, 'alerts cannot be sent now'));
    } while (again);
    running = undefined;
  };
  const wake = (): void => {
    again = true;
    running ??= run();
  };
  const timer = setInterval(wake, mirrorLimits.alertIntervalMs);
  timer.unref();
  return {
    wake,
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await running;
    },
  };
}
