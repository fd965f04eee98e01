import { newId } from '@sgp/service-kit/ids';
import type { Log } from '@sgp/service-kit/log';
import type { ErrorCode } from '@sgp/shared/errors';
import type { Refusal } from '@sgp/shared/floor-messages';
import { brokerLimits } from '../broker-limits.ts';
import type { Connection } from '../front/connections.ts';
import type { BrokerMetrics } from '../metrics.ts';
import { createTokenBuckets } from '../token-buckets.ts';

export type RefusedThing = {
  readonly topic?: string | undefined;
  readonly sizeBytes?: number | undefined;
  /** The beginning of the payload, or a sentence where there is none. Never a secret. */
  readonly excerpt?: Uint8Array | string | undefined;
};
/** Counts every refusal; tells the log and the services, unless the same one repeats faster than people read. */
export type Refusals = { report(connection: Connection, code: ErrorCode, message: string, thing: RefusedThing): void };

export function createRefusals(deps: {
  readonly log: Pick<Log, 'warn'>;
  readonly metrics: Pick<BrokerMetrics, 'refused'>;
  readonly publish: (refusal: Refusal) => void;
}): Refusals {
  const perKey = createTokenBuckets({
    perSecond: brokerLimits.refusalsPerKeyPerSecond,
    burst: brokerLimits.refusalsPerKeyBurst,
  });
  const together = createTokenBuckets({
    perSecond: brokerLimits.refusalsPerSecond,
    burst: brokerLimits.refusalsBurst,
  });
  return {
    report(connection, code, message, { topic, sizeBytes, excerpt }) {
      deps.metrics.refused.inc({ code });
      const username = clean(connection.claimedUsername);
      const key = `${code} ${username ?? connection.remoteAddress}`;
      if (!perKey.tryTake(key) || !together.tryTake('all')) return;
      const refusal: Refusal = {
        id: newId(),
        at: Date.now(),
        code,
        username,
        clientId: clean(connection.claimedClientId),
        topic: clean(topic ?? null),
        remoteAddress: connection.remoteAddress,
        sizeBytes: sizeBytes ?? null,
        excerpt: excerptOf(excerpt ?? message),
      };
      deps.log.warn({ ...refusal, excerpt: undefined }, `refused: ${message}`);
      deps.publish(refusal);
    },
  };
}

const namesMaxChars = 200;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is replaced
const withoutControls = (text: string): string => text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '·');
const clean = (text: string | null): string | null =>
  text === null ? null : withoutControls(text.slice(0, namesMaxChars)).toWellFormed();

function excerptOf(content: Uint8Array | string): string {
  const max = brokerLimits.refusalExcerptMaxChars;
  // A character of UTF-8 has at most four bytes; more need not be decoded.
  const text = typeof content === 'string' ? content : Buffer.from(content.subarray(0, 4 * max)).toString('utf8');
  return withoutControls(text.slice(0, max)).toWellFormed();
}
