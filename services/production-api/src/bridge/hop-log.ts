import type { Log } from '@sgp/service-kit/log';
import type { OutboxPort, Push } from '@sgp/sync-engine/ports';
import { idempotencyKey } from '@sgp/sync-engine/wire';
import type { MirrorLink } from './mirror-link.ts';

type HopLog = Pick<Log, 'info' | 'debug'>;

/** What is live is told to everybody; a backlog of a hundred thousand only to who looks for it. */
const levelOf = (channel: number): 'info' | 'debug' => (channel === 0 ? 'info' : 'debug');

/**
 * One line for each change that is sent, which leads from the request of the browser (`requestId`) to that of the bridge
 * (`pushId`), under which the mirror writes its own lines.
 */
export const logSending = (link: MirrorLink, log: HopLog): MirrorLink => ({
  ...link,
  push(push) {
    for (const change of push.changes) log[levelOf(push.channel)](hopOf(push, change), 'sent');
    return link.push(push);
  },
});

const hopOf = (push: Push, { stream, entityId, version, seq, requestId }: Push['changes'][number]) => ({
  ...{ stream, entityId, version, seq, requestId },
  ...{ pushId: idempotencyKey(push), channel: push.channel, attempt: push.attempt },
});

/** One line for each change that the Core acknowledged, and for each that a customer saw. */
export const logDelivered = (queue: OutboxPort, log: HopLog): OutboxPort => ({
  ...queue,
  async deliver(delivery) {
    await queue.deliver(delivery);
    const level = delivery.done.length > 100 ? 'debug' : 'info';
    for (const { change, outcome } of delivery.done) log[level]({ ...change, outcome }, 'acknowledged');
    for (const { change, reason } of delivery.parked) log.info({ ...change, ...reason }, 'parked');
    for (const each of delivery.shown ?? []) log.info({ ...each }, 'shown to the customer');
  },
});
