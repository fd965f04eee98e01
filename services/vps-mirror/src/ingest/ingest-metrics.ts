import type { Metrics } from '@sgp/service-kit/metrics';
import { AppError, type ErrorCode } from '@sgp/shared/errors';
import type { ChangeResult } from '@sgp/shared/sync';
import { Counter } from 'prom-client';

/** What the mirror counts about signed calls. */
export type IngestMetrics = {
  batch(outcome: 'committed' | 'repeated', bytes: { readonly received: number; readonly inflated: number }): void;
  changes(results: readonly ChangeResult[]): void;
  /** Counts a refusal by its code; what is no refusal counts as INTERNAL. */
  refused(error: unknown): void;
};

export function createIngestMetrics({ registry }: Metrics): IngestMetrics {
  const registers = [registry];
  const batches = new Counter({
    name: 'sgp_mirror_batches_total',
    help: 'Pushes accepted, by outcome',
    labelNames: ['outcome'],
    registers,
  });
  const changes = new Counter({
    name: 'sgp_mirror_changes_total',
    help: 'Changes by outcome',
    labelNames: ['outcome'],
    registers,
  });
  const bytes = new Counter({
    name: 'sgp_mirror_push_bytes_total',
    help: 'Bytes of accepted pushes, as received and inflated',
    labelNames: ['kind'],
    registers,
  });
  const refused = new Counter({
    name: 'sgp_mirror_refused_total',
    help: 'Signed calls refused, by code',
    labelNames: ['code'],
    registers,
  });
  const conflicts = new Counter({
    name: 'sgp_mirror_version_conflicts_total',
    help: 'ALARM: one version of an order came with two contents, or a newer one with an older stamp',
    registers,
  });
  return {
    batch(outcome, { received, inflated }) {
      batches.inc({ outcome });
      bytes.inc({ kind: 'received' }, received);
      bytes.inc({ kind: 'inflated' }, inflated);
    },
    changes(results) {
      for (const { outcome, reason } of results) {
        changes.inc({ outcome });
        if (reason?.code === 'VERSION_CONFLICT') conflicts.inc();
      }
    },
    refused(error) {
      const code: ErrorCode = error instanceof AppError ? error.code : 'INTERNAL';
      refused.inc({ code });
    },
  };
}
