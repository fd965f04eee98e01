import { type Route, route } from '@sgp/service-kit/route';
import type { NodeRecord } from '@sgp/shared/api/licensing';
import {
  type DigestAnswer,
  type DigestAsk,
  digestAnswerSchema,
  digestAskSchema,
  digestPath,
  type StreamDigest,
} from '@sgp/shared/sync-digest';
import { encodeSum } from '@sgp/sync-engine/digest';
import type { IngestMetrics } from '../ingest/ingest-metrics.ts';
import type { NodeLimiter } from '../ingest/push-limiter.ts';
import { type SignedCall, type SignedRequestDeps, signedJson } from '../ingest/signed-request.ts';
import type { CoreSigner } from '../keys/core-signer.ts';
import { mirrorLimits } from '../mirror-limits.ts';
import type { DigestStore } from './digest-store.ts';
import type { ReceiptStore } from './receipt-store.ts';

export type DigestDeps = SignedRequestDeps & {
  readonly digests: Pick<DigestStore, 'roots' | 'tree' | 'entities' | 'unknown'>;
  readonly receipts: Pick<ReceiptStore, 'save'>;
  readonly signer: Pick<CoreSigner, 'isListed' | 'sign'>;
  /** @throws AppError NODE_STATE_FORKED: what one of two copies has proves nothing */
  readonly requireUnforked: (nodeId: string) => Promise<void>;
  readonly limiter: NodeLimiter;
  readonly metrics: Pick<IngestMetrics, 'refused' | 'digestRound' | 'receipt'>;
};

/** `POST /internal/sync/digest`: one round of the comparison of an edge with the Core. */
export function digestRoutes(deps: DigestDeps): readonly Route[] {
  return [
    route(
      {
        method: 'POST',
        path: digestPath,
        summary:
          'One round of the comparison of what a node and the Core have; the call is signed, tag snapshot-push/1',
        tag: 'sync',
        access: 'node',
        rawBodyMaxBytes: mirrorLimits.digestAskMaxBytes,
        answer: digestAnswerSchema,
      },
      async ({ ctx, caller, rawBody }: { ctx: SignedCall['ctx']; caller: NodeRecord; rawBody: Buffer }) => {
        try {
          const ask = await signedJson(deps, { ctx, node: caller, body: rawBody }, digestAskSchema);
          await deps.requireUnforked(caller.nodeId);
          deps.metrics.digestRound(ask.level);
          return await answerRound(deps, ask, caller);
        } catch (error) {
          deps.metrics.refused(error);
          throw error;
        }
      },
    ),
  ];
}

async function answerRound(deps: DigestDeps, ask: DigestAsk, node: NodeRecord): Promise<DigestAnswer> {
  const { digests } = deps;
  switch (ask.level) {
    case 'roots':
      return compareRoots(deps, ask.streams, node);
    case 'groups': {
      const tree = await digests.tree(node, ask.stream);
      return { level: 'groups', sums: tree.groups().map(encodeSum) };
    }
    case 'buckets': {
      const tree = await digests.tree(node, ask.stream);
      const groups = [...new Set(ask.groups)].map((group) => ({ group, sums: tree.buckets(group).map(encodeSum) }));
      return { level: 'buckets', groups };
    }
    case 'entities': {
      const listed = await digests.entities(node, ask.stream, ask.buckets);
      return { level: 'entities', buckets: [...listed].map(([bucket, shorts]) => ({ bucket, digests: shorts })) };
    }
    case 'unknown': {
      const entities = await digests.unknown(node, ask.stream, ask.bucket, ask.digests);
      return { level: 'unknown', entities: [...entities] };
    }
  }
}

/** Equal in every stream that was asked for: the receipt says so, with the sums of the Core. */
async function compareRoots(
  { digests, receipts, signer, metrics, now }: DigestDeps,
  theirs: readonly StreamDigest[],
  node: NodeRecord,
): Promise<DigestAnswer> {
  const mine = await digests.roots(
    node,
    theirs.map(({ stream }) => stream),
  );
  const differ = theirs
    .filter(({ root, rows }, i) => mine[i]?.root !== root || mine[i]?.rows !== rows)
    .map(({ stream }) => stream);
  // Before the license service lists the key, no node could verify a receipt; the next comparison brings one.
  if (differ.length > 0 || mine.length === 0 || !signer.isListed) return { level: 'roots', differ };
  const { nodeId, establishmentId } = node;
  const receipt = await signer.sign('sync-receipt+jwt', nodeId, { establishmentId, streams: mine });
  await receipts.save(node, receipt, now());
  metrics.receipt();
  return { level: 'roots', differ, receipt };
}
