/** How texts are compared in searches: without accents, lower case, single spaces. */
export const searchText = (...parts: readonly (string | null)[]): string =>
  parts
    .filter((part) => part !== null && part !== '')
    .join(' ')
    .normalize('NFD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll(/\s+/g, ' ')
    .trim();

/** A LIKE pattern that finds `q` anywhere, with `\` as the escape character: what people type has no wildcards. */
export const likePattern = (q: string): string => `%${searchText(q).replaceAll(/[\\%_]/g, '\\$&')}%`;
