import type { RequestSigner } from '@sgp/auth/http-signature';
import { newId } from '@sgp/service-kit/ids';
import type { ErrorCode } from '@sgp/shared/errors';
import { type EdgeHealth, pushAckSchema, streamRules } from '@sgp/shared/sync';
import { type DigestAnswer, digestAnswerSchema, digestPath } from '@sgp/shared/sync-digest';
import { type ChangesAsk, changesAnswerSchema, changesPath } from '@sgp/shared/sync-downlink';
import { helloAnswerSchema, helloPath } from '@sgp/shared/sync-hello';
import type { DigestQuestion } from '@sgp/sync-engine/compare-state';
import type { DiskIdentity, HelloOutcome, HelloRequest, LinkPort, Push, PushOutcome } from '@sgp/sync-engine/ports';
import { encodePush, idempotencyKey, type Tenant } from '@sgp/sync-engine/wire';
import type * as z from 'zod';
import {
  type Body,
  type Call,
  type CoreHttp,
  compress,
  createCoreHttp,
  type Ending,
  parseJson,
  refusalOf,
} from './core-http.ts';

/** An acknowledgement of the largest batch is below 100 KB. */
const ackMaxBytes = 1024 * 1024;
/** A listing of 64 buckets, or 500 unknown entities with their texts. */
const digestMaxBytes = 8 * 1024 * 1024;
/** 500 changes, each with a conflict of two texts, as base64 of a signature. */
const changesMaxBytes = 48 * 1024 * 1024;

export type MirrorLinkDeps = {
  /** Where to connect. */
  readonly url: URL;
  readonly tenant: Tenant;
  /** Signs with the tag `snapshot-push/1`. */
  readonly signer: RequestSigner;
  /** Signs with the tag `changes/1`. */
  readonly changesSigner: RequestSigner;
  /** What the edge tells of itself with an empty batch; null when it is not known. */
  readonly health: () => Promise<EdgeHealth | null>;
  readonly now: () => number;
  /** From the first byte sent to the last received. */
  readonly timeoutMs: number;
};

/** How a call that is no push ended. */
export type CallOutcome<Value> =
  | { readonly type: 'answered'; readonly value: Value }
  | { readonly type: 'refused'; readonly code: ErrorCode; readonly detail: string; readonly retryAfterMs?: number }
  | { readonly type: 'network-failed'; readonly detail: string }
  | { readonly type: 'timeout' };

export type ChangesQuestion = Omit<
  ChangesAsk,
  'schemaVersion' | 'companyId' | 'establishmentId' | 'nodeId' | 'sentAtMs'
>;

export type MirrorLink = LinkPort &
  Disposable & {
    /** Ends every connection, and what runs on them. */
    reset(): void;
    digest(question: DigestQuestion): Promise<CallOutcome<DigestAnswer>>;
    /** The Core's signed answer, not verified. */
    changes(question: ChangesQuestion): Promise<CallOutcome<{ readonly signed: string }>>;
    /** Ends the call that the Core holds, if any: after an outage it may hang in a connection that is none any more. */
    resetChanges(): void;
  };

/** Signed calls to the mirror over kept connections. Disposing ends them and what runs on them. */
export function createMirrorLink(deps: MirrorLinkDeps): MirrorLink {
  const { tenant, now, timeoutMs } = deps;
  const http = createCoreHttp(deps.url);
  // Apart, so that a held call can be ended without the pushes.
  const heldHttp = createCoreHttp(deps.url);
  const { companyId, establishmentId, nodeId } = tenant;
  const who = { schemaVersion: 2, companyId, establishmentId, nodeId } as const;
  /** What the Core taught about our clock; handshakes and pushes bring it, the other calls use it. */
  let signOffsetMs = 0;
  // A resend must be the same bytes: the Core compares them under the idempotency key. One for each channel.
  const bodies = new Map<number, { readonly key: string; readonly body: Body }>();

  const bodyOf = async (key: string, push: Push): Promise<Body> => {
    const last = bodies.get(push.channel);
    if (last?.key === key) return last.body;
    const tellsHealth = push.changes.length === 0 && push.wire.version === 2;
    const health = tellsHealth ? ((await deps.health()) ?? undefined) : undefined;
    const body = compress(Buffer.from(encodePush(tenant, push, health)));
    bodies.set(push.channel, { key, body });
    return body;
  };

  const post = async (
    call: Pick<Call, 'path' | 'answerMaxBytes'> & {
      readonly body: Body;
      readonly key: string;
      readonly signer?: RequestSigner;
      readonly timeoutMs?: number;
      readonly over?: CoreHttp;
    },
  ): Promise<Ending> => {
    const { path, answerMaxBytes, key, body, signer = deps.signer } = call;
    const { bytes, contentEncoding } = body;
    const headers = await signer.sign({
      method: 'POST',
      path,
      contentType: 'application/json',
      ...(contentEncoding && { contentEncoding }),
      body: bytes,
      idempotencyKey: key,
      nowMs: now() + signOffsetMs,
    });
    return (call.over ?? http).post({
      path,
      answerMaxBytes,
      // The request id leads from this log to the mirror's.
      headers: { ...headers, 'x-request-id': key },
      body: bytes,
      timeoutMs: call.timeoutMs ?? timeoutMs,
    });
  };

  const ask = async <Value>(
    call: Omit<Parameters<typeof post>[0], 'key' | 'body'> & { readonly json: object },
    schema: z.ZodType<Value>,
  ): Promise<CallOutcome<Value>> => {
    const body = { bytes: Buffer.from(JSON.stringify(call.json)) };
    return readCall(await post({ ...call, body, key: newId() }), schema);
  };

  return {
    async hello(disk, request) {
      signOffsetMs = request.signOffsetMs;
      const json = helloOf(who, disk, request);
      const body = { bytes: Buffer.from(JSON.stringify(json)) };
      return readHello(await post({ path: helloPath, answerMaxBytes: ackMaxBytes, body, key: newId() }));
    },
    async push(push) {
      signOffsetMs = push.signOffsetMs;
      const key = idempotencyKey(push);
      const body = await bodyOf(key, push);
      const { path } = streamRules[push.stream];
      return readPush(await post({ path, answerMaxBytes: ackMaxBytes, body, key }), body.bytes.length);
    },
    digest: (question) =>
      ask(
        { path: digestPath, answerMaxBytes: digestMaxBytes, json: { ...who, ...question, sentAtMs: now() } },
        digestAnswerSchema,
      ),
    changes: (question) =>
      ask(
        {
          ...{ path: changesPath, answerMaxBytes: changesMaxBytes, signer: deps.changesSigner },
          json: { ...who, ...question, sentAtMs: now() },
          timeoutMs: timeoutMs + question.waitMs,
          over: heldHttp,
        },
        changesAnswerSchema,
      ),
    reset() {
      http.reset();
      heldHttp.reset();
    },
    resetChanges: heldHttp.reset,
    [Symbol.dispose]() {
      http[Symbol.dispose]();
      heldHttp[Symbol.dispose]();
    },
  };
}

const helloOf = (
  who: Pick<Tenant, 'companyId' | 'establishmentId' | 'nodeId'> & { readonly schemaVersion: 2 },
  { epoch, parentEpoch, generation, instanceId, lastSeq, ackedSeq }: DiskIdentity,
  { superseded, sentAt }: HelloRequest,
) => ({ ...who, epoch, parentEpoch, generation, instanceId, lastSeq, ackedSeq, superseded, sentAtMs: sentAt });

const notTheMirrors = (status: number): string => `the answer (${status}) is not the mirror's`;

/** Only what is certainly the mirror's word is taken as such: a hotel's sign-in page also answers 200. */
function readPush(ending: Ending, bytes: number): PushOutcome {
  if (ending.type === 'timeout') return ending;
  if (ending.type === 'broken') return { ...ending, type: 'network-failed' };
  const ack = ending.status === 200 ? pushAckSchema.safeParse(parseJson(ending.body)) : null;
  if (ack?.success) return { type: 'acked', ack: ack.data, bytes };
  const refusal = refusalOf(ending);
  if (refusal) return { type: 'refused', ...refusal };
  return { type: 'network-failed', mayHaveArrived: true, detail: notTheMirrors(ending.status) };
}

function readHello(ending: Ending): HelloOutcome {
  if (ending.type === 'timeout') return ending;
  if (ending.type === 'broken') return { ...ending, type: 'network-failed' };
  const answer = ending.status === 200 ? helloAnswerSchema.safeParse(parseJson(ending.body)) : null;
  if (answer?.success) return { type: 'hello-answered', answer: answer.data };
  const refusal = refusalOf(ending);
  if (refusal?.code === 'NOT_FOUND') return { type: 'hello-unsupported' };
  if (refusal) return { type: 'refused', ...refusal };
  return { type: 'network-failed', mayHaveArrived: true, detail: notTheMirrors(ending.status) };
}

function readCall<Value>(ending: Ending, schema: z.ZodType<Value>): CallOutcome<Value> {
  if (ending.type === 'timeout') return ending;
  if (ending.type === 'broken') return { type: 'network-failed', detail: ending.detail };
  const answer = ending.status === 200 ? schema.safeParse(parseJson(ending.body)) : null;
  if (answer?.success) return { type: 'answered', value: answer.data };
  const refusal = refusalOf(ending);
  if (refusal) {
    const { code, detail, retryAfterMs } = refusal;
    return { type: 'refused', code, detail, ...(retryAfterMs !== undefined && { retryAfterMs }) };
  }
  return { type: 'network-failed', detail: notTheMirrors(ending.status) };
}
