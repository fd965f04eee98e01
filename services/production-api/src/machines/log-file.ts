import type { LogLine } from '@sgp/shared/api/machines';

/** A log as a spreadsheet of Brazil opens it: `;`, UTF-8 with mark, CRLF, local time. */

export const logFileLanguages = ['pt', 'en'] as const;
export type LogFileLanguage = (typeof logFileLanguages)[number];

type Words = {
  readonly columns: readonly string[];
  readonly kinds: Readonly<Record<LogLine['kind'], string>>;
  readonly levels: Readonly<Record<LogLine['level'], string>>;
  readonly locale: string;
};
const words: Readonly<Record<LogFileLanguage, Words>> = {
  pt: {
    columns: ['Data e hora', 'Relógio da máquina', 'Tipo', 'Nível', 'Código', 'Texto', 'Observação', 'Dados'],
    kinds: {
      state: 'Estado',
      count: 'Contagem',
      event: 'Evento',
      scan: 'Leitura',
      signal: 'Sinal',
      refused: 'Recusada',
      result: 'Resposta',
    },
    levels: { debug: 'Detalhe', info: 'Informação', warn: 'Aviso', error: 'Erro' },
    locale: 'pt-BR',
  },
  en: {
    columns: ['Date and time', "Machine's clock", 'Kind', 'Level', 'Code', 'Text', 'Mark', 'Data'],
    kinds: {
      state: 'State',
      count: 'Count',
      event: 'Event',
      scan: 'Scan',
      signal: 'Signal',
      refused: 'Refused',
      result: 'Result',
    },
    levels: { debug: 'Debug', info: 'Info', warn: 'Warning', error: 'Error' },
    locale: 'en-GB',
  },
};

const byteOrderMark = '\ufeff';

/** A text that a machine sent must not become a formula (OWASP, CSV injection). Plain numbers stay numbers. */
function cell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) && !/^-?\d+([.,]\d+)?$/.test(text) ? `'${text}` : text;
  return /[";\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export const logFileHead = (language: LogFileLanguage): string =>
  `${byteOrderMark}${words[language].columns.map(cell).join(';')}\r\n`;

/** @returns a function that writes lines, each ending in CRLF */
export function createLogFileWriter(
  language: LogFileLanguage,
  timeZone: string,
): (lines: readonly LogLine[]) => string {
  const { kinds, levels, locale } = words[language];
  const format = new Intl.DateTimeFormat(locale, { timeZone, dateStyle: 'short', timeStyle: 'medium' });
  // Intl puts a comma between date and time, with which a spreadsheet does not see a time.
  const time = (at: number): string => format.format(at).replace(',', '');
  return (lines) =>
    lines
      .map(({ at, machineAt, kind, level, code, text, mark, data }) => {
        const facts = Object.entries(data).map(([name, value]) => `${name}=${value}`);
        const cells = [time(at), machineAt === null ? '' : time(machineAt), kinds[kind], levels[level], code, text];
        return `${[...cells, mark ?? '', facts.join(' ')].map(cell).join(';')}\r\n`;
      })
      .join('');
}
