import type { Migration } from '@sgp/service-kit/database';
import { broker } from './0001-broker.ts';

/** The steps of broker.db, in order. */
export const migrations: readonly Migration[] = [broker];
