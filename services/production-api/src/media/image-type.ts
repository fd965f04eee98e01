const at = (bytes: Uint8Array, offset: number, text: string): boolean =>
  [...text].every((letter, index) => bytes[offset + index] === letter.charCodeAt(0));

/** Brands of an ISO base media file (ISO/IEC 14496-12 §4.3) that hold an AVIF picture. */
const avifBrands = ['avif', 'avis', 'mif1'];

/** Bytes that {@link imageTypeOf} wants to see. */
export const imageHeadBytes = 16;

/** Media type of an image that SGP reads, from its first bytes; null for anything else. */
export function imageTypeOf(head: Uint8Array): string | null {
  if (head[0] === 0xff && head[1] === 0xd8 && head[2] === 0xff) return 'image/jpeg';
  if (at(head, 0, '\x89PNG\r\n\x1a\n')) return 'image/png';
  if (at(head, 0, 'RIFF') && at(head, 8, 'WEBP')) return 'image/webp';
  if (at(head, 0, 'GIF87a') || at(head, 0, 'GIF89a')) return 'image/gif';
  if (at(head, 0, 'II*\0') || at(head, 0, 'MM\0*')) return 'image/tiff';
  if (at(head, 4, 'ftyp') && avifBrands.some((brand) => at(head, 8, brand))) return 'image/avif';
  return null;
}
