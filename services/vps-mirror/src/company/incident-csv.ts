import type { Incident } from '@sgp/shared/api/company';

/** Cells of a spreadsheet that begin so are run as a formula. */
const formula = /^[=+\-@\t\r]/;
const cell = (value: string): string => {
  const safe = formula.test(value) ? `'${value}` : value;
  return /[";\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};

const headings = {
  'pt-BR': ['Estabelecimento', 'Início', 'Fim', 'Duração (min)', 'Avisado em', 'Maior fila', 'Incidente'],
  en: ['Establishment', 'Start', 'End', 'Duration (min)', 'Alerted at', 'Longest queue', 'Incident'],
} as const;

/** Incidents as a spreadsheet of Brazil opens them: UTF-8 with its mark, semicolons, CRLF (PRODUCT §6). */
export function incidentsCsv(
  incidents: readonly Incident[],
  names: ReadonlyMap<string, string>,
  { language, timeZone }: { readonly language: keyof typeof headings; readonly timeZone: string },
): string {
  const format = new Intl.DateTimeFormat(language === 'en' ? 'en-GB' : language, {
    ...{ dateStyle: 'short', timeStyle: 'medium', timeZone },
  });
  const time = (at: number | null): string => (at === null ? '' : format.format(at).replace(',', ''));
  const rows = incidents.map(({ incidentId, establishmentId, startedAt, endedAt, alertedAt, peakPending }) => [
    names.get(establishmentId) ?? establishmentId,
    time(startedAt),
    time(endedAt),
    endedAt === null ? '' : String(Math.round((endedAt - startedAt) / 60_000)),
    time(alertedAt),
    String(peakPending),
    incidentId,
  ]);
  return `\uFEFF${[headings[language], ...rows].map((row) => row.map(cell).join(';')).join('\r\n')}\r\n`;
}
