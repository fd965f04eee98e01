/** The rule of a login, as the server's: 2 to 32 of a-z, 0-9, dot, dash, underscore. */
export const isLogin = (login: string): boolean => /^[a-z0-9._-]{2,32}$/.test(login);

/** What a person's name suggests: `Rosana Kühn` → `rosana`. */
export function loginOf(name: string): string {
  const plain = name
    .normalize('NFD')
    .replace(/[\u0300-\u036f]/g, '')
    .toLowerCase();
  return (plain.split(/\s+/).find(Boolean) ?? '').replace(/[^a-z0-9._-]/g, '').slice(0, 32);
}
