import type { Database } from '@sgp/service-kit/database';
import { type Route, route } from '@sgp/service-kit/route';
import { idParams } from '@sgp/shared/api/common';
import {
  newUserBody,
  patchUserBody,
  sessionSchema,
  setupOwnerBody,
  setupSchema,
  signInBody,
  signInPeopleSchema,
  userSchema,
  usersSchema,
} from '@sgp/shared/api/people';
import { limits } from '@sgp/shared/limits';
import type { Context } from 'koa';
import type { ShopStore } from '../shop/shop-store.ts';
import { addressOf, isLanAddress, sessionCookie } from './access.ts';
import type { BegunSession, PeopleService } from './people-service.ts';
import { sessionRoute } from './session-route.ts';
import type { UserStore } from './user-store.ts';

export type PeopleRoutesDeps = {
  readonly db: Database;
  readonly people: PeopleService;
  readonly users: Pick<UserStore, 'needsOwner'>;
  readonly shop: Pick<ShopStore, 'read'>;
};

function setCookie(ctx: Context, { token, session }: BegunSession): BegunSession['session'] {
  ctx.cookies.set(sessionCookie, token, {
    httpOnly: true,
    sameSite: 'strict',
    path: '/',
    secure: ctx.secure,
    maxAge: limits.sessionMaxMs,
    overwrite: true,
  });
  return session;
}

export function peopleRoutes({ db, people, users, shop }: PeopleRoutesDeps): readonly Route[] {
  return [
    route(
      {
        method: 'GET',
        path: '/api/setup',
        summary: 'What the first screen must do',
        tag: 'people',
        access: 'open',
        answer: setupSchema,
      },
      async () => {
        const { name, timeZone } = await shop.read(db);
        return { needsOwner: await users.needsOwner(db), shopName: name, timeZone };
      },
    ),
    route(
      {
        method: 'POST',
        path: '/api/setup/owner',
        summary: 'Create the owner, once, and sign in',
        tag: 'people',
        access: 'open',
        body: setupOwnerBody,
        answer: sessionSchema,
        status: 201,
      },
      async ({ body, ctx }) => setCookie(ctx, await people.setUpOwner(body, addressOf(ctx))),
    ),
    route(
      {
        method: 'GET',
        path: '/api/sign-in/people',
        summary: 'Who can sign in; empty outside the local network',
        tag: 'people',
        access: 'open',
        answer: signInPeopleSchema,
      },
      async ({ ctx }) => {
        if (!isLanAddress(addressOf(ctx))) return { people: [] };
        const active = (await people.list()).filter((user) => user.disabledAt === null && user.hasPassword);
        return { people: active.map(({ login, name }) => ({ login, name })) };
      },
    ),
    ...sessionRoutes(people),
    ...userRoutes(people),
  ];
}

const sessionRoutes = (people: PeopleService): readonly Route[] => [
  route(
    {
      method: 'POST',
      path: '/api/session',
      summary: 'Sign in',
      tag: 'people',
      access: 'open',
      body: signInBody,
      answer: sessionSchema,
      status: 201,
    },
    async ({ body, ctx }) => setCookie(ctx, await people.signIn(body, addressOf(ctx))),
  ),
  sessionRoute(
    {
      method: 'GET',
      path: '/api/session',
      summary: 'Who is signed in',
      tag: 'people',
      access: 'session',
      answer: sessionSchema,
    },
    ({ caller }) => people.describe(caller.user, caller.expiresAt),
  ),
  sessionRoute(
    { method: 'DELETE', path: '/api/session', summary: 'Sign out', tag: 'people', access: 'session' },
    async ({ caller, ctx }) => {
      await people.signOut(caller.sessionId);
      ctx.cookies.set(sessionCookie, null, { httpOnly: true, sameSite: 'strict', path: '/' });
    },
  ),
];

const userRoutes = (people: PeopleService): readonly Route[] => [
  sessionRoute(
    {
      method: 'GET',
      path: '/api/users',
      summary: 'The people of the shop',
      tag: 'people',
      access: 'manager',
      answer: usersSchema,
    },
    async () => ({ users: [...(await people.list())] }),
  ),
  sessionRoute(
    {
      method: 'POST',
      path: '/api/users',
      summary: 'Add a person',
      tag: 'people',
      access: 'manager',
      body: newUserBody,
      answer: userSchema,
      status: 201,
    },
    ({ body, caller }) => people.add(body, caller),
  ),
  sessionRoute(
    {
      method: 'PATCH',
      path: '/api/users/:id',
      summary: 'Change a person: name, role, password, disabled',
      tag: 'people',
      access: 'manager',
      params: idParams,
      body: patchUserBody,
      answer: userSchema,
    },
    ({ params, body, caller }) => people.change(params.id, body, caller),
  ),
];
