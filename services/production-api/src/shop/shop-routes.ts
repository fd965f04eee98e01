import type { Route } from '@sgp/service-kit/route';
import { licenceSchema, putSettingsBody, servicesSchema, settingsSchema } from '@sgp/shared/api/shop';
import { sessionRoute } from '../people/session-route.ts';
import type { LicenceReader } from './licence-reader.ts';
import type { ServiceWatch } from './service-watch.ts';
import type { SettingsService } from './settings-service.ts';

export function shopRoutes(deps: {
  readonly settings: SettingsService;
  readonly licence: LicenceReader;
  readonly watch: ServiceWatch;
}): readonly Route[] {
  const { settings, licence, watch } = deps;
  return [
    sessionRoute(
      {
        method: 'GET',
        path: '/api/settings',
        summary: "The shop and the board's stages",
        tag: 'shop',
        access: 'session',
        answer: settingsSchema,
      },
      () => settings.read(),
    ),
    sessionRoute(
      {
        method: 'PUT',
        path: '/api/settings',
        summary: 'Change the shop or the labels of stages',
        tag: 'shop',
        access: 'manager',
        body: putSettingsBody,
        answer: settingsSchema,
      },
      ({ body, caller }) => settings.write(body, caller.actor),
    ),
    sessionRoute(
      {
        method: 'GET',
        path: '/api/licence',
        summary: 'The licence, verified without the Internet',
        tag: 'shop',
        access: 'session',
        answer: licenceSchema,
      },
      () => licence.read(Date.now()),
    ),
    sessionRoute(
      {
        method: 'GET',
        path: '/api/services',
        summary: 'Which services of the shop are there',
        tag: 'shop',
        access: 'session',
        answer: servicesSchema,
      },
      () => watch.services(),
    ),
  ];
}
