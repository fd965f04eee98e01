import { limits } from '@sgp/shared/limits';
import { ConfigError } from './config.ts';
import { createLog, type Log } from './log.ts';

/**
 * Runs a service's `main`: it opens everything on the stack and returns when it is ready. The stack is closed in reverse on
 * SIGINT, SIGTERM, the launcher's `stop` message (Windows has no SIGTERM) or the launcher's death, within
 * `limits.shutdownMaxMs`. An error nobody caught is logged and ends the process with 1: the launcher starts it anew,
 * which is safer than going on in an unknown state.
 * @returns after the service stopped; the process ends by itself then
 */
export async function runService(
  name: string,
  start: (stack: AsyncDisposableStack, log: Log) => Promise<void>,
): Promise<void> {
  const log = createLog(name, process.env['LOG_LEVEL'] ?? 'info');
  const stopAsked = Promise.withResolvers<string>();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stopAsked.resolve(signal));
  if (process.channel) {
    process.on('message', (message) => message === 'stop' && stopAsked.resolve('launcher'));
    process.on('disconnect', () => stopAsked.resolve('launcher gone'));
    process.channel.unref();
  }
  const die = (error: unknown): void => {
    log.fatal({ err: error }, 'unexpected error: ending, so that the launcher starts this service anew');
    process.exit(1);
  };
  process.on('uncaughtException', die);
  process.on('unhandledRejection', die);

  const stack = new AsyncDisposableStack();
  try {
    await start(stack, log);
    process.send?.('ready');
    log.info({ reason: await stopAsked.promise }, 'stopping');
  } catch (error) {
    if (error instanceof ConfigError) {
      log.fatal(error.message);
      process.exitCode = 2;
    } else {
      log.fatal({ err: error }, 'could not start');
      process.exitCode = 1;
    }
  }
  setTimeout(() => process.exit(process.exitCode ?? 0), limits.shutdownMaxMs).unref();
  await stack.disposeAsync();
  process.exit(process.exitCode ?? 0);
}
