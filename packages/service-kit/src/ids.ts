import { randomBytes } from 'node:crypto';
import { uuidV7 } from '@sgp/shared/uuid';

/** A new identity: UUIDv7 of this moment. */
export const newId = (): string => uuidV7(Date.now(), randomBytes(10));

/** 256 random bits as 43 base64url characters: secrets of machines, sessions and API keys. */
export const newSecret = (): string => randomBytes(32).toString('base64url');
