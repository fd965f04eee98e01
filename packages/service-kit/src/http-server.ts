import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { limits } from '@sgp/shared/limits';
import type Koa from 'koa';
import { ConfigError } from './config.ts';

export type HttpServer = AsyncDisposable & { readonly port: number; readonly url: string; readonly server: Server };

/**
 * Listens. Closing ends idle connections at once and the rest (event streams) right after.
 * @throws ConfigError in one plain sentence when the port is taken or not allowed
 */
export async function listen(app: Koa, options: { readonly host: string; readonly port: number }): Promise<HttpServer> {
  const server = createServer(
    { maxHeaderSize: limits.requestHeadersMaxBytes, keepAliveTimeout: 65_000 },
    app.callback(),
  );
  server.listen(options.port, options.host);
  try {
    await once(server, 'listening');
  } catch (cause) {
    throw listenError(cause as NodeJS.ErrnoException, options.port);
  }
  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeIdleConnections();
    setImmediate(() => server.closeAllConnections());
    await closed;
  };
  return { port, url: `http://${options.host}:${port}`, server, [Symbol.asyncDispose]: close };
}

export function listenError(error: NodeJS.ErrnoException, port: number): Error {
  if (error.code === 'EADDRINUSE')
    return new ConfigError(`Port ${port} is taken by another program: end that program, or choose another port.`);
  if (error.code === 'EACCES')
    return new ConfigError(`Port ${port} may not be opened by this user: choose a port above 1023.`);
  return error;
}
