import * as z from 'zod';
import { uuidSchema } from '../ids.ts';
import { limits } from '../limits.ts';
import { nameField, roles, timeMs } from './common.ts';

/** First run, sign-in, people. Served by production-api below `/api`. */

export const loginField = z
  .string()
  .trim()
  .toLowerCase()
  .regex(/^[a-z0-9._-]{2,32}$/, 'must be 2 to 32 of a-z, 0-9, dot, dash, underscore');
export const passwordField = z.string().min(limits.passwordMinChars).max(limits.passwordMaxChars);

/** GET /api/setup (no session): what the first screen must do. */
export const setupSchema = z.object({ needsOwner: z.boolean(), shopName: z.string(), timeZone: z.string() });
/** POST /api/setup/owner (no session, once): creates the owner, signs them in. */
export const setupOwnerBody = z.strictObject({
  name: nameField,
  login: loginField,
  password: passwordField,
  shopName: nameField.optional(),
});

/** GET /api/sign-in/people (no session, LAN): the faces of the sign-in screen. */
export const signInPeopleSchema = z.object({ people: z.array(z.object({ login: z.string(), name: z.string() })) });
/** POST /api/session → sets the cookie. DELETE /api/session ends it. */
export const signInBody = z.strictObject({
  login: z.string().max(64),
  password: z.string().max(limits.passwordMaxChars),
});
/** GET /api/session, and the answer of sign-in and set-up. */
export const sessionSchema = z.object({
  user: z.object({ userId: uuidSchema, name: z.string(), login: z.string(), role: z.enum(roles) }),
  shop: z.object({ name: z.string(), slug: z.string(), timeZone: z.string() }),
  expiresAt: timeMs,
});
export type Session = z.infer<typeof sessionSchema>;

/** GET, POST /api/users (owner, manager); PATCH /api/users/:id. */
export const userSchema = z.object({
  userId: uuidSchema,
  name: z.string(),
  login: z.string(),
  role: z.enum(roles),
  disabledAt: timeMs.nullable(),
  createdAt: timeMs,
  /** False for somebody who came from the cloud: a manager gives them their first password by PATCH. */
  hasPassword: z.boolean(),
});
export const usersSchema = z.object({ users: z.array(userSchema) });
export const newUserBody = z.strictObject({
  name: nameField,
  login: loginField,
  password: passwordField,
  role: z.enum(roles),
});
export const patchUserBody = z.strictObject({
  name: nameField.optional(),
  role: z.enum(roles).optional(),
  password: passwordField.optional(),
  disabled: z.boolean().optional(),
});
export type User = z.infer<typeof userSchema>;
