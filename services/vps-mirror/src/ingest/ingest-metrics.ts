import type { Metrics } from '@sgp/service-kit/metrics';
import { AppError, type ErrorCode } from '@sgp/shared/errors';
import type { ChangeResult, StreamName } from '@sgp/shared/sync';
import type { DigestAsk } from '@sgp/shared/sync-digest';
import type { HelloVerdict } from '@sgp/shared/sync-hello';
import { Counter } from 'prom-client';

/** What the mirror counts about signed calls. */
export type IngestMetrics = {
  batch(
    stream: StreamName,
    outcome: 'committed' | 'repeated',
    bytes: { readonly received: number; readonly inflated: number },
  ): void;
  changes(stream: StreamName, results: readonly ChangeResult[]): void;
  hello(verdict: HelloVerdict): void;
  digestRound(level: DigestAsk['level']): void;
  receipt(): void;
  /** A file of pushes was taken in; its batches count as any other. */
  bundle(): void;
  /** Counts a refusal by its code; what is no refusal counts as INTERNAL. */
  refused(error: unknown): void;
};

export function createIngestMetrics({ registry }: Metrics): IngestMetrics {
  const counter = <Label extends string>(name: string, help: string, labelNames: readonly Label[]): Counter<Label> =>
    new Counter({ name, help, labelNames: [...labelNames], registers: [registry] });
  const batches = counter('sgp_mirror_batches_total', 'Pushes accepted, by stream and outcome', ['stream', 'outcome']);
  const changes = counter('sgp_mirror_changes_total', 'Changes by stream and outcome', ['stream', 'outcome']);
  const bytes = counter('sgp_mirror_push_bytes_total', 'Bytes of accepted pushes, as received and inflated', [
    'stream',
    'kind',
  ]);
  const refused = counter('sgp_mirror_refused_total', 'Signed calls refused, by code', ['code']);
  const conflicts = counter(
    'sgp_mirror_version_conflicts_total',
    'ALARM: one version of an entity came with two contents, or a newer one with an older stamp',
    ['stream'],
  );
  const hellos = counter('sgp_mirror_hellos_total', 'Handshakes answered, by verdict', ['verdict']);
  const rounds = counter('sgp_mirror_digest_rounds_total', 'Rounds of comparisons, by level', ['level']);
  const receipts = counter('sgp_mirror_receipts_total', 'Receipts signed: edge and Core were equal', []);
  const bundles = counter('sgp_mirror_bundles_total', 'Files of pushes taken in', []);
  return {
    batch(stream, outcome, { received, inflated }) {
      batches.inc({ stream, outcome });
      bytes.inc({ stream, kind: 'received' }, received);
      bytes.inc({ stream, kind: 'inflated' }, inflated);
    },
    changes(stream, results) {
      for (const { outcome, reason } of results) {
        changes.inc({ stream, outcome });
        if (reason?.code === 'VERSION_CONFLICT') conflicts.inc({ stream });
      }
    },
    hello: (verdict) => hellos.inc({ verdict }),
    digestRound: (level) => rounds.inc({ level }),
    receipt: () => receipts.inc(),
    bundle: () => bundles.inc(),
    refused(error) {
      const code: ErrorCode = error instanceof AppError ? error.code : 'INTERNAL';
      refused.inc({ code });
    },
  };
}
