import type { LogLine } from '@sgp/shared/api/machines';

export type LineData = LogLine['data'];
/** A line of a machine's log before it has its id. */
export type LineContent = Omit<LogLine, 'lineId'>;

export type LineRecord = {
  readonly line_id: number;
  readonly machine_id: string;
  readonly at: number;
  readonly machine_at: number | null;
  readonly kind: LogLine['kind'];
  readonly level: LogLine['level'];
  readonly code: string;
  readonly text: string;
  readonly mark: LogLine['mark'];
  readonly data: string;
};

export const toLogLine = (row: LineRecord): LogLine => ({
  lineId: String(row.line_id),
  at: row.at,
  machineAt: row.machine_at,
  kind: row.kind,
  level: row.level,
  code: row.code,
  text: row.text,
  mark: row.mark,
  data: JSON.parse(row.data) as LineData,
});

export const lineColumns = [
  'line_id',
  'machine_id',
  'at',
  'machine_at',
  'kind',
  'level',
  'code',
  'text',
  'mark',
  'data',
] as const;
