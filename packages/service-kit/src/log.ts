import { type Logger, pino } from 'pino';

/** Structured log, one JSON object a line on standard output. */
export type Log = Pick<Logger, 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal'> & {
  child(bindings: Record<string, unknown>): Log;
};

/** Names that never reach the log with their value (SECURITY R5), at the top and one level down. */
const secretNames = [
  'password',
  'secret',
  'token',
  'apiKey',
  'authorization',
  'cookie',
  'set-cookie',
  'x-api-key',
  'privateKey',
  'privateJwk',
  'd',
];
const redacted = secretNames.flatMap((name) => [`["${name}"]`, `*["${name}"]`, `*.*["${name}"]`]);

/** @param level pino's level name; `silent` in tests */
export function createLog(service: string, level: string): Log {
  return pino({
    level,
    base: { service, pid: process.pid },
    redact: { paths: redacted, censor: '[redacted]' },
    timestamp: pino.stdTimeFunctions.isoTime,
  }) as unknown as Log;
}
