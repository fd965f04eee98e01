import { uuidV7 } from '@sgp/shared/uuid';

/** A UUIDv7 of this browser and moment. `crypto.randomUUID` is missing on plain http in a LAN, and makes another version. */
export const newId = (nowMs: number = Date.now()): string => uuidV7(nowMs, crypto.getRandomValues(new Uint8Array(10)));
