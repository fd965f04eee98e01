import { computed, type ReadonlySignal, type Signal, signal } from '@preact/signals';

/** The languages of the product, the shop's own first. BCP 47 tags, as `Intl` and the `lang` attribute take them. */
export const LOCALES = ['pt-BR', 'en'] as const;
export type Locale = (typeof LOCALES)[number];

/** A text, a text with values in it, or a group of texts. */
export type Messages = { readonly [key: string]: string | ((...values: never[]) => string) | Messages };

/** The same keys and the same values as `T`, with any words: what a second language has to offer. */
export type Translation<T> = {
  readonly [K in keyof T]: T[K] extends string
    ? string
    : T[K] extends (...values: infer V) => string
      ? (...values: V) => string
      : Translation<T[K]>;
};

export type I18n<T> = {
  readonly locale: Signal<Locale>;
  /** The dictionary of the present language; reading it in a view subscribes the view to a change of language. */
  readonly t: ReadonlySignal<T>;
};

/**
 * Binds one dictionary per language to a switch. The dictionaries are plain typed objects, so a missing key or a
 * forgotten value does not compile and no message is parsed at run time.
 */
export function createI18n<T>(dictionaries: Readonly<Record<Locale, T>>, initial: Locale): I18n<T> {
  const locale = signal(initial);
  return { locale, t: computed(() => dictionaries[locale.value]) };
}

/** The first language of the browser that we speak; pt-BR when it speaks none of ours (PRODUCT J1.1). */
export function pickLocale(preferred: readonly string[], saved?: string | null): Locale {
  const known = LOCALES.find((locale) => locale === saved);
  if (known) return known;
  for (const tag of preferred) {
    const language = tag.toLowerCase().split('-')[0];
    if (language === 'pt') return 'pt-BR';
    if (language === 'en') return 'en';
  }
  return 'pt-BR';
}

/** Every key of a dictionary as a dotted path, sorted: two languages are complete when these lists are equal. */
export function messageKeys(messages: Messages, prefix = ''): string[] {
  return Object.entries(messages)
    .flatMap(([key, value]) => (typeof value === 'object' ? messageKeys(value, `${prefix}${key}.`) : [prefix + key]))
    .sort();
}

const pluralRules = new Map<Locale, Intl.PluralRules>();

/** `1 pedido`, `2 pedidos`: picks the form by the language's own plural rule. `many` (1.000.000 in pt-BR) reads as `other`. */
export function plural(locale: Locale, count: number, forms: { readonly one: string; readonly other: string }): string {
  let rules = pluralRules.get(locale);
  if (!rules) {
    rules = new Intl.PluralRules(locale);
    pluralRules.set(locale, rules);
  }
  // In pt-BR the rule puts 0 in `one`, but the shop says "0 pedidos".
  return count !== 0 && rules.select(count) === 'one' ? forms.one : forms.other;
}
