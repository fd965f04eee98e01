import { AppError, httpStatusByCode, type Problem } from '@sgp/shared/errors';
import * as z from 'zod';

const titles: Partial<Record<number, string>> = {
  400: 'Bad request',
  401: 'Unauthorized',
  402: 'Licence restricted',
  403: 'Forbidden',
  404: 'Not found',
  409: 'Conflict',
  422: 'Unprocessable content',
  429: 'Too many requests',
  500: 'Internal error',
  503: 'Unavailable',
};

/**
 * What passes by itself: SQLite's lock is held by another process; PostgreSQL cannot be reached, goes down or comes up
 * (SQLSTATE class 08, 57P01 to 57P03), or broke off a transaction that may be tried again (40001, 40P01).
 */
const passingCode = /^(SQLITE_BUSY|SQLITE_LOCKED|(ECONNREFUSED|ECONNRESET|57P0[123]|08...|40001|40P01)$)/;
/** A connection that breaks under a query has no code in the driver `pg`. */
const lostConnection = /^Connection terminated|^Client has encountered a connection error/;

/** Turns anything that was thrown into the refusal that the caller sees; what is not a refusal becomes INTERNAL. */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  if (error instanceof z.ZodError) {
    const issues = error.issues.slice(0, 20).map((issue) => ({ path: issue.path.join('.'), message: issue.message }));
    return new AppError('BODY_INVALID', 'The content does not fit; nothing was changed.', {
      cause: error,
      details: { issues },
    });
  }
  const code = (error as NodeJS.ErrnoException | null)?.code;
  if (code === 'SQLITE_FULL' || code === 'ENOSPC')
    return new AppError('DISK_FULL', 'The disk is full; nothing of this request was kept.', { cause: error });
  if (passingCode.test(String(code)) || (error instanceof Error && lostConnection.test(error.message)))
    return new AppError('UNAVAILABLE', 'The database is not reachable now; nothing of this request is certain.', {
      cause: error,
    });
  return new AppError('INTERNAL', 'Something failed on our side; the log has it under the request id.', {
    cause: error,
  });
}

/** RFC 9457 body. */
export function toProblem(error: AppError, requestId: string): Problem {
  const status = httpStatusByCode[error.code];
  return {
    type: `urn:sgp:error:${error.code}`,
    title: titles[status] ?? 'Refused',
    status,
    detail: error.message,
    code: error.code,
    requestId,
    ...(Object.keys(error.details).length > 0 && { details: error.details }),
  };
}
