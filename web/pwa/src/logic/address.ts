/** 22 base64url characters, as `trackingTokenSchema` of the contract says; the whole schema library would cost half of the page's budget. */
const tokenPattern = /^[A-Za-z0-9_-]{22}$/;

export const isToken = (text: string): boolean => tokenPattern.test(text);

export const orderPath = (token: string): string => `/p/${token}`;

/** The token of an order's address: only the path counts. @returns null for an address that is no order's */
export function tokenOfPath(path: string): string | null {
  const [, token = ''] = /^\/p\/([^/]+)\/?$/.exec(path) ?? [];
  return isToken(token) ? token : null;
}

/**
 * The token in what somebody pasted: a link, a link inside a message, or the token alone.
 * @returns null when there is none
 */
export function tokenInText(text: string): string | null {
  const clean = text.trim();
  if (isToken(clean)) return clean;
  const [, token] = /\/p\/([A-Za-z0-9_-]{22})(?![A-Za-z0-9_-])/.exec(clean) ?? [];
  return token ?? null;
}
