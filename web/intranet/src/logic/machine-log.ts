import type { LogLine } from '@sgp/shared/api/machines';
import type { MachineState } from '@sgp/shared/floor-messages';
import type { Formatters } from '@sgp/ui/format';
import type { IconName } from '@sgp/ui/icon-names';
import type { Dictionary } from '../messages/dictionary.ts';
import { countedText } from './counted.ts';

export type LogSentence = {
  readonly icon: IconName;
  readonly text: string;
  readonly detail: string;
  readonly tone: '' | 'warn' | 'bad';
};

const STATE_ICONS: Readonly<Record<MachineState, IconName>> = {
  running: 'iniciar',
  idle: 'espera',
  stopped: 'parada',
  fault: 'alerta',
  off: 'parada',
};
const isState = (text: unknown): text is MachineState => typeof text === 'string' && Object.hasOwn(STATE_ICONS, text);

/** One line of the log in words, by kind. What the machine wrote itself is shown as it is. */
export function logSentence(line: LogLine, t: Dictionary, format: Pick<Formatters, 'number'>): LogSentence {
  const { machines: words } = t;
  const tone = line.level === 'error' ? 'bad' : line.level === 'warn' ? 'warn' : '';
  const { data } = line;
  switch (line.kind) {
    case 'state': {
      const state = isState(line.code) ? line.code : null;
      // The reason comes as the line's text; a line that only repeats the state has none.
      const reason = line.text !== line.code ? line.text : '';
      return {
        icon: state ? STATE_ICONS[state] : 'andamento',
        text: state ? words.state[state] : line.text,
        detail: reason,
        tone: state === 'fault' ? 'bad' : tone,
      };
    }
    case 'count': {
      const counted = countedText(Number(data['good'] ?? 0), Number(data['scrap'] ?? 0), t, format);
      return {
        icon: 'sacola',
        text: counted,
        detail: data['order'] ? words.logOrder(String(data['order'])) : '',
        tone,
      };
    }
    case 'scan':
      return { icon: 'qr', text: words.logScan, detail: String(data['code'] ?? line.text), tone };
    case 'signal': {
      const isBack = line.code === 'online';
      const reason = line.code === 'silent' ? 'silent' : line.text;
      const reasons: Readonly<Record<string, string>> = words.signalReasons;
      return {
        icon: isBack ? 'ok' : 'sem-sinal',
        text: isBack ? words.logSignalBack : words.logSignalLost,
        detail: reasons[reason] ?? reason,
        tone,
      };
    }
    case 'refused':
      return { icon: 'bloqueio', text: line.text || words.refusals, detail: '', tone: 'bad' };
    case 'event':
    case 'result':
      return {
        icon: line.level === 'error' ? 'alerta' : line.level === 'warn' ? 'atraso' : 'nota',
        text: line.text || line.code,
        detail: line.text ? line.code : '',
        tone,
      };
  }
}
