import type { SyncPage } from '@sgp/shared/api/shop';

type Columns = Readonly<
  Record<'start' | 'end' | 'duration' | 'cause' | 'peak' | 'sent' | 'conflicts' | 'lost', string>
>;

/** The outages as a file that a Brazilian Excel opens by a double click: `;`, CRLF, a byte order mark; times in UTC, duration in minutes. */
export function incidentsCsv(
  incidents: SyncPage['incidents'],
  columns: Columns,
  causeOf: (cause: string) => string,
): string {
  const { start, end, duration, cause, peak, sent, conflicts, lost } = columns;
  const time = (ms: number | null) => (ms === null ? '' : new Date(ms).toISOString());
  const rows = incidents.map((each) => [
    time(each.startedAt),
    time(each.endedAt),
    each.endedAt === null ? '' : ((each.endedAt - each.startedAt) / 60_000).toFixed(1).replace('.', ','),
    causeOf(each.cause),
    each.peakPending,
    each.sent,
    each.conflicts,
    // Empty while no comparison counted it.
    each.lost ?? '',
  ]);
  const head = [`${start} (UTC)`, `${end} (UTC)`, `${duration} (min)`, cause, peak, sent, conflicts, lost];
  return `\uFEFF${[head, ...rows].map((row) => row.join(';')).join('\r\n')}\r\n`;
}
