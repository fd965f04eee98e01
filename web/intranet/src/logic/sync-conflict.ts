/** A whole entity is long: its beginning tells which one it is, and the ledger keeps the rest. */
const textMaxChars = 160;

/** One version of a conflict as a person reads it: a value as it is, several as `name: value`. Takes the ledger's JSON. */
export function conflictText(json: string): string {
  const value = parse(json);
  if (value === null) return '—';
  const text =
    typeof value === 'object'
      ? Object.entries(value)
          .filter(([, each]) => each === null || typeof each !== 'object')
          .map(([name, each]) => `${name}: ${each ?? '—'}`)
          .join(' · ')
      : String(value);
  return text.length > textMaxChars ? `${text.slice(0, textMaxChars)}…` : text;
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return json;
  }
}
