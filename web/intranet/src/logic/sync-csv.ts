import type { SyncPage } from '@sgp/shared/api/shop';

type Columns = Readonly<Record<'start' | 'end' | 'duration' | 'peak' | 'sent' | 'lost', string>>;

/** The outages as a file that a Brazilian Excel opens by a double click: `;`, CRLF, a byte order mark; times in UTC, duration in minutes. */
export function incidentsCsv(incidents: SyncPage['incidents'], columns: Columns): string {
  const { start, end, duration, peak, sent, lost } = columns;
  const time = (ms: number | null) => (ms === null ? '' : new Date(ms).toISOString());
  const rows = incidents.map(({ startedAt, endedAt, peakPending, sent: sentCount, comparedAt }) => [
    time(startedAt),
    time(endedAt),
    endedAt === null ? '' : ((endedAt - startedAt) / 60_000).toFixed(1).replace('.', ','),
    peakPending,
    sentCount,
    // Empty while no comparison has proved it.
    comparedAt === null ? '' : 0,
  ]);
  const head = [`${start} (UTC)`, `${end} (UTC)`, `${duration} (min)`, peak, sent, lost];
  return `\uFEFF${[head, ...rows].map((row) => row.join(';')).join('\r\n')}\r\n`;
}
