import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { SMTPServer } from 'smtp-server';

export type Hook = { readonly headers: Readonly<Record<string, string>>; readonly body: string };
/** A company's receiver of webhooks, over real HTTP. */
export type HookReceiver = AsyncDisposable & {
  readonly url: string;
  readonly hooks: Hook[];
  /** What it answers. */
  status: number;
};

export async function startHookReceiver(): Promise<HookReceiver> {
  const server = createServer(async (request, response) => {
    receiver.hooks.push({ headers: request.headers as Hook['headers'], body: await text(request) });
    response.statusCode = receiver.status;
    if (receiver.status === 302) response.setHeader('location', '/elsewhere');
    response.end('thank you');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const receiver: HookReceiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    hooks: [],
    status: 204,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return receiver;
}

export type Mail = { readonly to: readonly string[]; readonly raw: string };
/** A mail server that takes everything, over real SMTP. */
export type MailServer = AsyncDisposable & { readonly url: string; readonly mails: Mail[] };

export async function startMailServer(): Promise<MailServer> {
  const mails: Mail[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    onData(stream, session, done) {
      text(stream).then((raw) => {
        mails.push({ to: session.envelope.rcptTo.map(({ address }) => address), raw });
        done();
      }, done);
    },
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.server.address() as AddressInfo;
  return {
    url: `smtp://127.0.0.1:${port}`,
    mails,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
