import type { Migration } from '@sgp/service-kit/database';
import { photos } from './0001-photos.ts';
import { deletions } from './0002-deletions.ts';

/** In order; a step is never edited once released. */
export const migrations: readonly Migration[] = [photos, deletions];
