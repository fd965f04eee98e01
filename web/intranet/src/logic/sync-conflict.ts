/** A whole entity is long: its beginning tells which one it is, and the ledger keeps the rest. */
const textMaxChars = 160;

type ValueWords = {
  /** What a field is called, by its name in the contract; another one keeps that name. */
  readonly fields: Readonly<Record<string, string>>;
  readonly yes: string;
  readonly no: string;
};

/**
 * One version of a conflict as a person reads it: a value as it is, several as `name: value`. Takes the ledger's JSON.
 * @param money a number of cents as an amount
 */
export function conflictText(
  json: string,
  field: string | null,
  words: ValueWords,
  money: (cents: number) => string,
): string {
  const value = parse(json);
  const text =
    value !== null && typeof value === 'object'
      ? Object.entries(value)
          .filter(([, each]) => each === null || typeof each !== 'object')
          .map(([name, each]) => `${fieldName(name, words)}: ${valueText(name, each, words, money)}`)
          .join(' · ')
      : valueText(field, value, words, money);
  return text.length > textMaxChars ? `${text.slice(0, textMaxChars)}…` : text;
}

export const fieldName = (field: string, { fields }: Pick<ValueWords, 'fields'>): string => fields[field] ?? field;

function valueText(
  field: string | null,
  value: unknown,
  { yes, no }: ValueWords,
  money: (cents: number) => string,
): string {
  if (value === null || value === '') return '—';
  if (typeof value === 'boolean') return value ? yes : no;
  return field === 'priceCents' && typeof value === 'number' ? money(value) : String(value);
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return json;
  }
}
