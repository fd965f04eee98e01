import { readNodeIdentity, readNodeKey } from '@sgp/auth/node-identity';
import { portSetting, readConfig, readSecretFile } from '@sgp/service-kit/config';
import * as z from 'zod';

const settings = z.object({
  HOST: z.string().default('127.0.0.1'),
  PORT: portSetting.default(6003),
  PRODUCTION_DB_URL: z.string().min(1),
  NODE_DIR: z.string().min(1),
  BROKER_URL: z.string().min(1),
  MQTT_PASSWORD_FILE: z.string().min(1),
  /** Where to connect; the address that enrolment told when left out. */
  MIRROR_URL: z.url({ protocol: /^https?$/ }).optional(),
  /** host:port that the mirror knows as its own, when the connection goes through something else. */
  MIRROR_AUTHORITY: z.string().min(1).optional(),
  /** What sync may use of the line, in kilobytes per second; all of it when left out. */
  SYNC_MAX_KBPS: z.coerce.number().positive().optional(),
  /** Where the licence is renewed; the address that this node was enrolled at when left out. */
  LICENSE_URL: z.url({ protocol: /^https?$/ }).optional(),
  /** host:port that the license service knows as its own. */
  LICENSE_AUTHORITY: z.string().min(1).optional(),
});

export type BridgeConfig = ReturnType<typeof readBridgeConfig>;

/** The bridge's settings. @throws ConfigError, or Error when the node is not enrolled */
export function readBridgeConfig(env: NodeJS.ProcessEnv) {
  const read = readConfig(settings, env);
  const node = readNodeIdentity(read.NODE_DIR);
  const mirrorUrl = new URL(read.MIRROR_URL ?? node.mirrorUrl);
  const licenseAddress = read.LICENSE_URL ?? node.licenseUrl;
  const licenseUrl = licenseAddress === undefined ? null : new URL(licenseAddress);
  return {
    nodeDir: read.NODE_DIR,
    host: read.HOST,
    port: read.PORT,
    databaseUrl: read.PRODUCTION_DB_URL,
    node,
    privateJwk: readNodeKey(read.NODE_DIR),
    brokerUrl: read.BROKER_URL,
    mqttPassword: readSecretFile(read.MQTT_PASSWORD_FILE),
    mirrorUrl,
    maxBytesPerS: read.SYNC_MAX_KBPS === undefined ? null : read.SYNC_MAX_KBPS * 1000,
    mirrorAuthority: read.MIRROR_AUTHORITY ?? mirrorUrl.host,
    /** `null`: an identity of before renewals, and no setting that names the service. */
    license: licenseUrl && {
      url: licenseUrl,
      authority: read.LICENSE_AUTHORITY ?? node.licenseAuthority ?? licenseUrl.host,
    },
  } as const;
}
