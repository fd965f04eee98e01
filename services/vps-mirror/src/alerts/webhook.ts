import { createHmac } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { mirrorLimits } from '../mirror-limits.ts';
import type { AlertChannel } from './deliver-alerts.ts';
import { publicLookup, targetFault } from './public-address.ts';

export type WebhookDeps = {
  /** Secrets that sign for a company now, the newest first: `whsec_…`. */
  readonly secretsOf: (companyId: string) => Promise<readonly string[]>;
  /** `any`: also private addresses and plain http, for a Core inside one company's network. */
  readonly targets: 'public' | 'any';
  readonly now: () => number;
  readonly timeoutMs?: number;
};

/** Webhooks by the Standard Webhooks scheme (standardwebhooks.com, §"Verifying webhook authenticity"). No redirect is followed. */
export function createWebhookChannel(deps: WebhookDeps): AlertChannel {
  const { secretsOf, targets, now, timeoutMs = mirrorLimits.alertTimeoutMs } = deps;
  return {
    async send({ messageId, companyId, target, content }) {
      const url = new URL(target);
      const fault = targets === 'public' ? targetFault(url) : null;
      if (fault !== null) throw new Error(fault);
      const timestamp = Math.floor(now() / 1000);
      const signed = `${messageId}.${timestamp}.${content}`;
      const secrets = await secretsOf(companyId);
      const status = await post(url, content, targets, timeoutMs, {
        'content-type': 'application/json',
        'user-agent': 'SGP-Webhooks/1',
        'webhook-id': messageId,
        'webhook-timestamp': String(timestamp),
        'webhook-signature': secrets.map((secret) => `v1,${signatureOf(secret, signed)}`).join(' '),
      });
      if (status < 200 || status > 299) throw new Error(`the receiver answered ${status}`);
    },
  };
}

export const secretPrefix = 'whsec_';
const signatureOf = (secret: string, signed: string): string =>
  createHmac('sha256', Buffer.from(secret.slice(secretPrefix.length), 'base64'))
    .update(signed)
    .digest('base64');

/** What the receiver says besides its status is not read. */
function post(
  url: URL,
  content: string,
  targets: WebhookDeps['targets'],
  timeoutMs: number,
  headers: Readonly<Record<string, string>>,
): Promise<number> {
  const body = Buffer.from(content);
  const call = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const request = call(url, {
      method: 'POST',
      headers: { ...headers, 'content-length': body.length },
      agent: false,
      signal: AbortSignal.timeout(timeoutMs),
      ...(targets === 'public' && { lookup: publicLookup }),
    });
    request.on('error', reject);
    request.on('response', (response) => {
      resolve(response.statusCode ?? 0);
      response.destroy();
    });
    request.end(body);
  });
}
