import { createHash, type Hash } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { type VerifiedRequest, verifyRequest } from '@sgp/auth/http-signature';
import { linesOf } from '@sgp/service-kit/lines';
import type { NodeRecord } from '@sgp/shared/api/licensing';
import { AppError } from '@sgp/shared/errors';
import { limits } from '@sgp/shared/limits';
import { type StreamName, streamRules } from '@sgp/shared/sync';
import {
  type BundleLine,
  type BundleOpening,
  bundleLineSchema,
  bundleOpeningSchema,
  bundlePath,
  bundleSealSchema,
} from '@sgp/shared/sync-bundle';
import { type Envelope, parseEnvelope, parseJson } from '../ingest/decode-batch.ts';
import { requireTenant, signedJsonBytes } from '../ingest/signed-request.ts';
import type { NodeCache } from '../nodes/node-cache.ts';

export type ReadBundleDeps = {
  readonly nodes: Pick<NodeCache, 'find'>;
  readonly authority: string;
  readonly now: () => number;
};

export type BundleBatch = {
  readonly stream: StreamName;
  readonly envelope: Envelope;
  readonly verified: VerifiedRequest;
  /** As it was signed, and inflated. */
  readonly body: Buffer;
  readonly inflated: Buffer;
};

export type OpenedBundle = { readonly node: NodeRecord; readonly opening: BundleOpening };

export type BundleSteps = {
  /** The first line is verified; nothing after it was read. */
  readonly opened?: (bundle: OpenedBundle) => Promise<void>;
  readonly batch?: (batch: BundleBatch) => Promise<void>;
};

type State = OpenedBundle & {
  readonly hash: Hash;
  readonly place: number;
  readonly changes: number;
  readonly sealed: boolean;
};

/**
 * Reads a file of pushes line by line and verifies each as the push that it is: signature by a key of this very node,
 * digest, tenant, shape, and that it stands where it was written.
 * @param file its bytes, under gzip
 * @returns once the seal proved that it is whole
 * @throws AppError BUNDLE_INVALID, BUNDLE_EXPIRED, BODY_TOO_LARGE, NODE_BANNED, TENANT_MISMATCH, the refusals of
 *   `verifyRequest` and of `parseEnvelope`; ZodError
 */
export async function readBundle(
  deps: ReadBundleDeps,
  file: AsyncIterable<Buffer>,
  steps: BundleSteps = {},
): Promise<OpenedBundle & { readonly batches: number }> {
  let state: State | null = null;
  const inflatedLimits = { lineMaxBytes: limits.bundleLineMaxBytes, totalMaxBytes: limits.bundleInflatedMaxBytes };
  try {
    await pipeline(file, createGunzip(), async (inflated: AsyncIterable<Buffer>) => {
      for await (const bytes of linesOf(inflated, inflatedLimits)) {
        const line = readLine(bytes);
        state = state === null ? await open(deps, line, steps) : await goOn(deps, line, state, steps);
        state.hash.update(bytes).update('\n');
      }
    });
  } catch (error) {
    throw fileRefusal(error);
  }
  const read = state as State | null;
  if (!read?.sealed) throw invalid('it ends before its seal');
  return { node: read.node, opening: read.opening, batches: read.place - 1 };
}

const invalid = (reason: string): AppError =>
  new AppError('BUNDLE_INVALID', `This is no whole file of pushes: ${reason}. Nothing was kept.`);

function fileRefusal(error: unknown): unknown {
  if (error instanceof AppError && error.code === 'SIG_CLOCK_SKEW')
    return new AppError('BUNDLE_EXPIRED', 'The file is too old, or its clock was far off; write a new one.', {
      cause: error,
      details: error.details,
    });
  const code = (error as NodeJS.ErrnoException | null)?.code;
  return code?.startsWith('Z_') === true ? invalid('it cannot be inflated') : error;
}

function readLine(bytes: Buffer): BundleLine {
  try {
    return bundleLineSchema.parse(parseJson(bytes));
  } catch {
    throw invalid('a line cannot be read');
  }
}

async function open(deps: ReadBundleDeps, line: BundleLine, steps: BundleSteps): Promise<State> {
  if (line.kind !== 'opening') throw invalid('it does not begin with its opening');
  const shortId = line.headers['x-node-id'] ?? '';
  const node = /^[a-z0-9]{12}$/.test(shortId) ? await deps.nodes.find(shortId) : undefined;
  if (!node) throw new AppError('SIG_KEY_UNKNOWN', 'The file is of a node that is not one of ours; nothing was kept.');
  if (node.status !== 'active')
    throw new AppError('NODE_BANNED', `This node is ${node.status}; nothing was kept. Keep the changes.`);
  const { inflated, verified } = await verifyCall(deps, node, line, bundlePath);
  const opening = bundleOpeningSchema.parse(parseJson(inflated));
  requirePlace(verified, opening, 0);
  requireTenant(opening, node);
  await steps.opened?.({ node, opening });
  return { node, opening, hash: createHash('sha256'), place: 1, changes: 0, sealed: false };
}

async function goOn(deps: ReadBundleDeps, line: BundleLine, state: State, steps: BundleSteps): Promise<State> {
  if (state.sealed) throw invalid('something follows its seal');
  if (line.kind === 'batch') return readBatch(deps, line, state, steps);
  if (line.kind === 'opening') throw invalid('it has two openings');
  const { inflated, verified } = await verifyCall(deps, state.node, line, bundlePath);
  const seal = bundleSealSchema.parse(parseJson(inflated));
  requirePlace(verified, state.opening, state.place);
  const isWhole =
    seal.bundleId === state.opening.bundleId &&
    seal.batches === state.place - 1 &&
    seal.changes === state.changes &&
    seal.sha256 === state.hash.copy().digest('hex');
  if (!isWhole) throw invalid('its seal is of other content');
  return { ...state, sealed: true };
}

async function readBatch(
  deps: ReadBundleDeps,
  line: BundleLine & { readonly kind: 'batch' },
  state: State,
  steps: BundleSteps,
): Promise<State> {
  const { node, opening, place } = state;
  if (place > limits.bundleBatchesMax) throw invalid(`it holds more than ${limits.bundleBatchesMax} batches`);
  const { verified, body, inflated } = await verifyCall(deps, node, line, streamRules[line.stream].path);
  requirePlace(verified, opening, place);
  const envelope = parseEnvelope(inflated, line.stream);
  requireTenant(envelope, node);
  const ofThisStart =
    envelope.schemaVersion === 2 &&
    envelope.epoch === opening.epoch &&
    envelope.generation === opening.generation &&
    envelope.instanceId === opening.instanceId;
  if (!ofThisStart || envelope.changes.length === 0) throw invalid('a batch is not of the start that opened it');
  const changes = state.changes + envelope.changes.length;
  if (changes > limits.bundleChangesMax) throw invalid(`it holds more than ${limits.bundleChangesMax} changes`);
  await steps.batch?.({ stream: line.stream, envelope, verified, body, inflated });
  return { ...state, place: place + 1, changes };
}

/** A line of another file, or of another place in this one, has a key of its own. */
function requirePlace({ covered }: VerifiedRequest, { bundleId }: BundleOpening, place: number): void {
  if (covered['idempotency-key'] !== `${bundleId}-${place}`) throw invalid('a line is not in its place');
}

async function verifyCall(deps: ReadBundleDeps, node: NodeRecord, { headers, body: text }: BundleLine, path: string) {
  const body = Buffer.from(text, 'base64');
  const verified = await verifyRequest(
    { method: 'POST', path, query: '', rawHeaders: Object.entries(headers).flat(), body },
    {
      authority: deps.authority,
      tag: 'snapshot-bundle/1',
      nowMs: deps.now(),
      findKey: (keyId) => node.keys.find((key) => key.keyId === keyId)?.publicJwk,
    },
  );
  const inflated = await signedJsonBytes(verified, body);
  return { verified, body, inflated };
}
