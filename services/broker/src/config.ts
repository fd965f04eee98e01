import { ConfigError, portSetting, readConfig, readSecretFile } from '@sgp/service-kit/config';
import { establishmentSlugSchema } from '@sgp/shared/ids';
import * as z from 'zod';

/** The broker's settings; secrets stand in the files that the `*_FILE` variables name. */
export function readBrokerConfig(env: NodeJS.ProcessEnv) {
  const settings = readConfig(
    z.object({
      HOST: z.string().default('127.0.0.1'),
      PORT: portSetting.default(1883),
      WS_PORT: portSetting.default(8083),
      HTTP_HOST: z.string().default('127.0.0.1'),
      HTTP_PORT: portSetting.default(6004),
      BROKER_DB_URL: z.string().min(1),
      EST: establishmentSlugSchema,
      ACCOUNTS_FILE: z.string().min(1),
      ADMIN_TOKEN_FILE: z.string().min(1),
    }),
    env,
  );
  if (!settings.BROKER_DB_URL.startsWith('sqlite:'))
    throw new ConfigError('BROKER_DB_URL: the broker keeps its journal in SQLite; give sqlite:PATH.');
  return {
    host: settings.HOST,
    mqttPort: settings.PORT,
    wsPort: settings.WS_PORT,
    httpHost: settings.HTTP_HOST,
    httpPort: settings.HTTP_PORT,
    databaseUrl: settings.BROKER_DB_URL,
    est: settings.EST,
    accountsText: readSecretFile(settings.ACCOUNTS_FILE),
    adminToken: readSecretFile(settings.ADMIN_TOKEN_FILE),
  };
}
