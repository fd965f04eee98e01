import { createTransport } from 'nodemailer';
import { mirrorLimits } from '../mirror-limits.ts';
import type { AlertChannel } from './deliver-alerts.ts';

/** What the content of a message by e-mail is, as JSON. */
export type MailContent = { readonly subject: string; readonly text: string };

/**
 * E-mail by an SMTP server.
 * @param options.url `smtps://user:password@host` or `smtp://…`; with the latter the connection is encrypted if the server offers it
 */
export function createMailChannel(options: { readonly url: string; readonly from: string }): AlertChannel & Disposable {
  const transport = createTransport({
    url: options.url,
    connectionTimeout: mirrorLimits.alertTimeoutMs,
    greetingTimeout: mirrorLimits.alertTimeoutMs,
    socketTimeout: mirrorLimits.alertTimeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const domain = options.from.split('@').at(-1)?.replace('>', '') ?? 'localhost';
  return {
    async send({ messageId, target, content }) {
      const { subject, text } = JSON.parse(content) as MailContent;
      // An address is taken as it is, never as a list.
      const to = { name: '', address: target };
      await transport.sendMail({
        from: options.from,
        to,
        subject,
        text,
        messageId: `<${messageId}@${domain}>`,
        headers: { 'auto-submitted': 'auto-generated' },
      });
    },
    [Symbol.dispose]: () => transport.close(),
  };
}
