import type { HistoryEntry } from '@sgp/shared/api/orders';
import type { Formatters } from '@sgp/ui/format';
import type { IconName } from '@sgp/ui/icon-names';
import type { Dictionary } from '../messages/dictionary.ts';
import { countedText } from './counted.ts';

export type Sentence = { readonly icon: IconName; readonly text: string; readonly detail: string | null };

/** The sentence of one entry, from its kind and its parts. A part that is missing leaves its place empty, never "undefined". */
export function historySentence(
  entry: HistoryEntry,
  t: Dictionary,
  format: Pick<Formatters, 'dayTime' | 'number'>,
): Sentence {
  const { history } = t.orders;
  const text = (name: string) => {
    const value = entry.data[name];
    return value === null || value === undefined ? '' : String(value);
  };
  const moment = (name: string) => {
    const value = entry.data[name];
    return typeof value === 'number' || typeof value === 'string' ? format.dayTime(value, entry.at) : '';
  };
  const count = (name: string) => Number(entry.data[name] ?? 0);
  switch (entry.kind) {
    case 'created':
      return { icon: 'pedidos', text: history.created, detail: null };
    case 'edited':
      return { icon: 'lapis', text: history.edited, detail: null };
    case 'moved':
      return { icon: 'andamento', text: history.moved(text('stage') || text('label') || text('to')), detail: null };
    case 'promise':
      return {
        icon: 'agenda',
        text: history.promise(moment('from'), moment('to')),
        detail: text('reason') ? history.reason(text('reason')) : null,
      };
    case 'link':
      return {
        icon: 'link',
        text: text('action') === 'revoked' ? history.linkRevoked : history.linkIssued,
        detail: null,
      };
    case 'media': {
      const act = text('action');
      const sentence =
        act === 'removed'
          ? history.mediaRemoved
          : act === 'shown'
            ? history.mediaShown
            : act === 'hidden'
              ? history.mediaHidden
              : act === 'refused'
                ? history.mediaRefused
                : history.media;
      return { icon: act === 'refused' ? 'alerta' : 'camera', text: sentence, detail: text('fileName') || null };
    }
    case 'count':
      return {
        icon: 'maquina',
        text: history.count(countedText(count('good'), count('scrap'), t, format)),
        detail: null,
      };
    case 'scan':
      return { icon: 'qr', text: history.scan(text('code')), detail: null };
  }
}

/**
 * The story of an order, newest first, with each run of counts by one machine told once: a machine that counts every few
 * seconds must not push the moves out of sight. The sum carries the time of its newest count.
 */
export function tellHistory(entries: readonly HistoryEntry[]): HistoryEntry[] {
  const told: HistoryEntry[] = [];
  for (const entry of [...entries].sort((a, b) => b.at - a.at)) {
    const same =
      entry.kind === 'count'
        ? told.findIndex((other) => other.kind === 'count' && other.who === entry.who && isRecent(told, other))
        : -1;
    const before = told[same];
    if (!before) {
      told.push(entry);
      continue;
    }
    const sum = (name: string) => Number(before.data[name] ?? 0) + Number(entry.data[name] ?? 0);
    told[same] = { ...before, data: { ...before.data, good: sum('good'), scrap: sum('scrap') } };
  }
  return told;
}

/** True while nothing but counts was told after this one. */
const isRecent = (told: readonly HistoryEntry[], one: HistoryEntry) =>
  told.slice(told.indexOf(one)).every(({ kind }) => kind === 'count');
