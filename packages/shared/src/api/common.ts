import * as z from 'zod';
import { uuidSchema } from '../ids.ts';
import { limits } from '../limits.ts';

/** Pieces that several addresses share. Times travel as milliseconds since 1970 (`…At`), money as integer cents. */

export const nameField = z.string().trim().min(1).max(limits.nameMaxChars);
export const textField = z.string().trim().max(limits.textMaxChars);
export const centsField = z.number().int().min(0).max(limits.moneyMaxCents);
export const timeMs = z.number().int();
export const idParams = z.strictObject({ id: uuidSchema });
/** The version that the writer read; another one at the server answers VERSION_CONFLICT with the current order. */
export const expectedVersion = z.number().int().positive();

export const roles = ['owner', 'manager', 'desk', 'operator'] as const;
export type Role = (typeof roles)[number];
