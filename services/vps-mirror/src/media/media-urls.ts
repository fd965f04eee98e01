import { createHmac } from 'node:crypto';
import { safeEqual } from '@sgp/auth/digest';
import { limits } from '@sgp/shared/limits';

/** Makes the short-lived addresses under which a browser may read a photo. */
export type MediaUrls = {
  /** @param key storage key with extension */
  sign(key: string): Promise<string>;
  /** Origin of the addresses when it is not the mirror's own; pages have to allow it. */
  readonly origin: string | null;
};

/**
 * Addresses change twice in their life and not with each reading, so that a browser finds a photo in its cache.
 * @returns the second at which an address made now ends: between half of `limits.signedMediaUrlLifeS` and all of it away
 */
export function expiryFor(nowMs: number): number {
  const stepS = limits.signedMediaUrlLifeS / 2;
  return Math.floor(nowMs / 1000 / stepS) * stepS + limits.signedMediaUrlLifeS;
}

export type OwnMediaUrls = MediaUrls & {
  /** True for an address that `sign` made and that has not ended. */
  verify(key: string, expiresS: number, signature: string): boolean;
};

/** `/media/{key}?exp=…&sig=…` of the mirror itself, relative, so that it is right behind every host name. */
export function createOwnMediaUrls(options: { readonly secret: string; readonly now: () => number }): OwnMediaUrls {
  const signatureOf = (key: string, expiresS: number): string =>
    createHmac('sha256', options.secret).update(`media/1\n${key}\n${expiresS}`).digest('base64url');
  return {
    origin: null,
    async sign(key) {
      const expiresS = expiryFor(options.now());
      return `/media/${key}?exp=${expiresS}&sig=${signatureOf(key, expiresS)}`;
    },
    verify: (key, expiresS, signature) =>
      safeEqual(signature, signatureOf(key, expiresS)) && expiresS * 1000 > options.now(),
  };
}
