import { ConfigError, portSetting, readConfig, readSecretFile } from '@sgp/service-kit/config';
import * as z from 'zod';

const webUrl = z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/+$/, ''));

const settings = z.object({
  HOST: z.string().default('127.0.0.1'),
  PORT: portSetting.default(6001),
  PRODUCTION_DB_URL: z.string(),
  TELEMETRY_DB_URL: z.string(),
  /** Folder of `originals/` and `derived/`, shared with media-sync. */
  MEDIA_DIR: z.string(),
  /** Folder that enrolment wrote: identity and licence. */
  NODE_DIR: z.string(),
  BROKER_URL: z.url({ protocol: /^mqtts?$/ }),
  MQTT_PASSWORD_FILE: z.string(),
  BROKER_ADMIN_URL: webUrl,
  BROKER_ADMIN_TOKEN_FILE: z.string(),
  /** Where machines are told to connect. */
  MACHINE_BROKER_HOST: z.string().default('127.0.0.1'),
  MACHINE_BROKER_PORT: portSetting.default(1883),
  /** Where customers open their links. */
  TRACKING_BASE_URL: webUrl,
  /** A file that the shop's backup writes after it ended well: its time is shown as that of the last backup. */
  BACKUP_MARK_FILE: z.string().optional(),
  /** host:port that the mirror knows as its own: what is signed for it names that. */
  MIRROR_AUTHORITY: z.string().min(1).optional(),
  /** Built intranet app; left out: the API alone. */
  WEB_DIR: z.string().optional(),
});

export type Config = ReturnType<typeof loadConfig>;

/** @throws ConfigError naming what is wrong */
export function loadConfig(env: NodeJS.ProcessEnv) {
  const { MQTT_PASSWORD_FILE, BROKER_ADMIN_TOKEN_FILE, ...plain } = readConfig(settings, env);
  if (plain.PRODUCTION_DB_URL === plain.TELEMETRY_DB_URL)
    throw new ConfigError('PRODUCTION_DB_URL and TELEMETRY_DB_URL must be two databases.');
  return {
    ...plain,
    mqttPassword: readSecretFile(MQTT_PASSWORD_FILE),
    brokerAdminToken: readSecretFile(BROKER_ADMIN_TOKEN_FILE),
  };
}
