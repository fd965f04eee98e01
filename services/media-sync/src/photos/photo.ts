import type { ErrorCode } from '@sgp/shared/errors';
import { type MediaPreset, mediaPresets } from '@sgp/shared/floor-messages';

/**
 * uploaded: the original is on the disk · derived: its presets too · published: they are in the store · refused: unusable ·
 * deleting: was removed, its objects must go · deleted: they are gone; the row follows when the bus was told.
 */
export const photoStates = ['uploaded', 'derived', 'published', 'refused', 'deleting', 'deleted'] as const;
export type PhotoState = (typeof photoStates)[number];

export const extensions = ['webp', 'jpg'] as const;
export type Extension = (typeof extensions)[number];
export type DerivedName = `${MediaPreset}.${Extension}`;

/** The six files of each photo. */
export const derivedNames: readonly DerivedName[] = mediaPresets.flatMap((preset) =>
  extensions.map((extension): DerivedName => `${preset}.${extension}`),
);
/** Bytes of each derived file. */
export type FileSizes = Readonly<Record<DerivedName, number>>;

export const contentTypes: Readonly<Record<Extension, string>> = { webp: 'image/webp', jpg: 'image/jpeg' };
export const contentTypeOf = (name: DerivedName): string => contentTypes[name.endsWith('webp') ? 'webp' : 'jpg'];

/** What decoding told about a photo. Width and height are those of the upright original, in pixels. */
export type Derived = {
  readonly width: number;
  readonly height: number;
  /** Base64 of a ThumbHash: a placeholder of about 25 bytes. */
  readonly thumbhash: string;
  /** Milliseconds since 1970, from EXIF; null when the camera did not say or its clock was not set. */
  readonly takenAt: number | null;
  readonly sizes: FileSizes;
};

export type Refused = { readonly code: ErrorCode; readonly detail: string };

export type Photo = {
  readonly mediaId: string;
  readonly orderId: string;
  /** File name below `originals`. */
  readonly file: string;
  readonly state: PhotoState;
  readonly receivedAt: number;
  readonly deriveStarts: number;
  readonly deriveFailures: number;
  readonly publishAttempts: number;
  readonly derived: Derived | null;
  readonly refused: Refused | null;
};
