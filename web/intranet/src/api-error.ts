import { type ErrorCode, isErrorCode, type Problem } from '@sgp/shared/errors';

/** `SERVER_AWAY`: no answer came at all; everything else is a refusal that the server spoke. */
export type FailureCode = ErrorCode | 'SERVER_AWAY';

/** Why a call did not do its work. The screen turns the code into words; `details` is for programs. */
export class ApiError extends Error {
  readonly code: FailureCode;
  readonly details: Readonly<Record<string, unknown>>;
  readonly requestId: string | null;
  readonly retryAfterS: number | null;
  constructor(
    code: FailureCode,
    message: string,
    rest: {
      readonly details?: Readonly<Record<string, unknown>>;
      readonly requestId?: string | null;
      readonly retryAfterS?: number | null;
    } = {},
  ) {
    super(message);
    this.name = 'ApiError';
    this.code = code;
    this.details = rest.details ?? {};
    this.requestId = rest.requestId ?? null;
    this.retryAfterS = rest.retryAfterS ?? null;
  }
}

/** Reads the body of a refusal. A proxy's page or an empty body has no code of ours and reads as INTERNAL or UNAVAILABLE. */
export function problemToError(status: number, body: unknown, retryAfter: string | null): ApiError {
  const problem = (typeof body === 'object' && body !== null ? body : {}) as Partial<Problem>;
  const code = isErrorCode(problem.code) ? problem.code : codeOfStatus(status);
  const seconds = retryAfter === null ? Number.NaN : Number(retryAfter);
  return new ApiError(code, problem.detail ?? `HTTP ${status}`, {
    details: problem.details ?? {},
    requestId: problem.requestId ?? null,
    retryAfterS: Number.isFinite(seconds) ? seconds : null,
  });
}

export function asApiError(error: unknown): ApiError {
  return error instanceof ApiError
    ? error
    : new ApiError('INTERNAL', error instanceof Error ? error.message : String(error));
}

function codeOfStatus(status: number): ErrorCode {
  if (status === 401) return 'SESSION_EXPIRED';
  if (status === 404) return 'NOT_FOUND';
  if (status === 413) return 'BODY_TOO_LARGE';
  if (status === 429) return 'RATE_LIMITED';
  return status === 502 || status === 503 || status === 504 ? 'UNAVAILABLE' : 'INTERNAL';
}
