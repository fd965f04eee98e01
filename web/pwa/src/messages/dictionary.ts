import type { Locale, Translation } from '@sgp/ui/i18n';
import { en } from './en.ts';
import { ptBR } from './pt-br.ts';

export type Dictionary = Translation<typeof ptBR>;
export const dictionaries: Readonly<Record<Locale, Dictionary>> = { 'pt-BR': ptBR, en };
