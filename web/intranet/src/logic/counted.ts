import type { Formatters } from '@sgp/ui/format';
import type { Dictionary } from '../messages/dictionary.ts';

/** `9 peças boas, 1 de refugo`: what a machine counted, in words. */
export function countedText(good: number, scrap: number, t: Dictionary, format: Pick<Formatters, 'number'>): string {
  return t.common.counted(good, scrap, format.number(good, 0), format.number(scrap, 0));
}
