/**
 * Every refusal that SGP gives, by code, with the HTTP status it travels under (RFC 9457 `application/problem+json`,
 * member `code`). A code is never renamed: people and programs quote it.
 */
export const httpStatusByCode = {
  // 400: the request itself is malformed
  /** The Content-Digest header does not match the bytes that arrived (RFC 9530). */
  DIGEST_MISMATCH: 400,
  /** A signed call carries a query string; none is defined, so none is allowed. */
  SIG_QUERY_FORBIDDEN: 400,
  /** A header that must be single came twice. */
  HDR_DUPLICATE: 400,
  // 401: who are you
  /** The x-api-key is unknown or its secret is wrong. */
  APIKEY_INVALID: 401,
  /** The call must be signed (RFC 9421) and is not. */
  SIG_MISSING: 401,
  /** The signature headers cannot be parsed. */
  SIG_MALFORMED: 401,
  /** Signed, but not over the required components, or with another tag, window or algorithm. */
  SIG_POLICY: 401,
  /** The key that signed is not a key of this node. */
  SIG_KEY_UNKNOWN: 401,
  /** The signature does not verify. */
  SIG_INVALID: 401,
  /** The signature is right but its time is too far from ours; the answer carries our time. */
  SIG_CLOCK_SKEW: 401,
  /** A bearer token is missing, wrong or expired. */
  TOKEN_INVALID: 401,
  /** Login or password is wrong; the two are never told apart. */
  CREDENTIALS_INVALID: 401,
  /** No session, or it ended: sign in again. */
  SESSION_EXPIRED: 401,
  // 402
  /** The licence is restricted: reading, finishing open orders, printing and export stay open. */
  LICENSE_RESTRICTED: 402,
  // 403: known, but not allowed
  /** The node is suspended, revoked or banned. */
  NODE_BANNED: 403,
  /** The content names another company, establishment or node than the credential. */
  TENANT_MISMATCH: 403,
  /** The file belongs to another shop, or answers one that this shop did not make. */
  BUNDLE_FOREIGN: 403,
  /** The role or the service account lacks this permission. */
  SCOPE_MISSING: 403,
  /** The request came from another site. */
  CSRF_BLOCKED: 403,
  /** The last digits of the phone do not match. */
  FACTOR_INVALID: 403,
  // 404
  /** Nothing of yours has this address. A foreign tenant's thing answers the same. */
  NOT_FOUND: 404,
  /** Known address, other method. */
  METHOD_NOT_ALLOWED: 405,
  // 409: right, but not now
  /** This nonce was used before. */
  SIG_REPLAY: 409,
  /** The batch's number is not above the last one applied. */
  SEQ_STALE: 409,
  /** Two nodes, or two copies of one disk, use one identity. */
  NODE_STATE_FORKED: 409,
  /** Another start of this node spoke to the Core since, or its epoch is not the present one: say hello. */
  NODE_SUPERSEDED: 409,
  /** The thing changed since you read it; the answer carries the current version. */
  VERSION_CONFLICT: 409,
  /** A thing with this name or number exists. */
  ALREADY_EXISTS: 409,
  /** The first set-up is done already. */
  SETUP_DONE: 409,
  /** The move is not possible from the order's present status. */
  STATUS_TRANSITION_INVALID: 409,
  /** Bytes do not continue where the upload stands; the answer carries the offset. */
  UPLOAD_OFFSET_MISMATCH: 409,
  /** The customer, material or machine is blocked; the answer says why. */
  BLOCKED: 409,
  /** The movement was posted or voided already: both are final. */
  MOVEMENT_SETTLED: 409,
  /** Somebody decided about this conflict already, otherwise. */
  CONFLICT_RESOLVED: 409,
  /** What lost has no value that could be written anew, or the cloud owns it. */
  CONFLICT_NOT_RESTORABLE: 409,
  /** Nothing waits that a file could carry. */
  BUNDLE_EMPTY: 409,
  // 410
  /** The file is older than it may be, or was written under a clock that is far off: make a new one. */
  BUNDLE_EXPIRED: 410,
  /** The enrolment code was used. */
  ENROL_CODE_USED: 410,
  /** The enrolment code is too old. */
  ENROL_CODE_EXPIRED: 410,
  // 413, 415, 422: content
  /** More bytes than the limit of this address. */
  BODY_TOO_LARGE: 413,
  /** Another content type than this address takes. */
  CONTENT_TYPE_UNSUPPORTED: 415,
  /** The content does not fit its schema; the answer lists the places. */
  BODY_INVALID: 422,
  /** The file is not one of these, or not whole: cut, changed or put together from others. */
  BUNDLE_INVALID: 422,
  /** This idempotency key was used with another content. */
  IDEMPOTENCY_CONFLICT: 422,
  /** The enrolment code is not one of ours. */
  ENROL_CODE_INVALID: 422,
  /** The file is not an image that SGP reads. */
  MEDIA_NOT_IMAGE: 422,
  /** The image is broken: it ends too early or its data does not decode. */
  MEDIA_CORRUPT: 422,
  /** The image has more pixels than the limit. */
  MEDIA_TOO_MANY_PIXELS: 422,
  /** The file has more bytes than the limit. */
  MEDIA_TOO_LARGE: 422,
  /** The original was not found on the disk of the shop. */
  MEDIA_ORIGINAL_MISSING: 422,
  // floor messages: refused or marked by broker and floor ingest
  /** User name or password of a machine is wrong. */
  MQTT_CREDENTIALS_INVALID: 401,
  /** The clientId is not the user name. */
  MQTT_CLIENT_ID_MISMATCH: 401,
  /** The machine published to, or subscribed, a topic that is not its own. */
  MQTT_TOPIC_FORBIDDEN: 403,
  /** The payload is over the limit. */
  MQTT_PAYLOAD_TOO_LARGE: 413,
  /** More messages per second than the limit. */
  MQTT_RATE_LIMITED: 429,
  /** The packet is not valid MQTT 3.1.1. */
  MQTT_PACKET_MALFORMED: 400,
  /** The payload is not JSON. */
  FLOOR_JSON_INVALID: 422,
  /** The payload is JSON but not the message of its topic. */
  FLOOR_SCHEMA_INVALID: 422,
  /** The last level of the topic is not a message of the floor. */
  FLOOR_TOPIC_UNKNOWN: 422,
  /** The machine's time is too far from ours; kept, marked, and filed under the time it arrived. */
  FLOOR_CLOCK_SKEW: 422,
  // 429
  /** Too many requests; Retry-After says when. */
  RATE_LIMITED: 429,
  /** Too many sign-ins at once; Retry-After says when. */
  HASH_BUSY: 429,
  // licence, edge only
  /** The licence is not signed by a key of the keyset. */
  LIC_SIG_INVALID: 403,
  /** The licence is for another node. */
  LIC_WRONG_NODE: 403,
  /** A newer licence was installed before. */
  LIC_SEQ_OLD: 409,
  /** The licence ended. */
  LIC_EXPIRED: 402,
  // 5xx
  /** A bug, or a failure that has no code of its own; the log has it under the request id. */
  INTERNAL: 500,
  /** Something this answer needs is not reachable now; try again. */
  UNAVAILABLE: 503,
  /** The disk has no room; nothing of this request was kept. */
  DISK_FULL: 507,
} as const;

export type ErrorCode = keyof typeof httpStatusByCode;

/** Every code, for schemas. */
export const errorCodes = Object.keys(httpStatusByCode) as [ErrorCode, ...ErrorCode[]];

export type ErrorDetails = { readonly [key: string]: unknown };

/**
 * A refusal with a code. `message` says in plain English what happened, what was kept and what to do;
 * screens translate the code. `details` holds what a program needs (never a secret).
 */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetails;
  constructor(code: ErrorCode, message: string, options: { cause?: unknown; details?: ErrorDetails } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.details = options.details ?? {};
  }
}

export const isErrorCode = (code: unknown): code is ErrorCode =>
  typeof code === 'string' && Object.hasOwn(httpStatusByCode, code);

/** Body of every refusal (RFC 9457), as the screens and the bridge read it. */
export type Problem = {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
  readonly requestId: string;
  readonly details?: ErrorDetails;
};
