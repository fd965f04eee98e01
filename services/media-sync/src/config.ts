import { ConfigError, portSetting, readConfig, readSecretFile } from '@sgp/service-kit/config';
import * as z from 'zod';
import type { S3Settings } from './storage/s3-store.ts';

const schema = z.object({
  HOST: z.string().default('127.0.0.1'),
  PORT: portSetting.default(6002),
  LOG_LEVEL: z.string().default('info'),
  /** `sqlite:PATH` or `postgres://…`. */
  MEDIA_DB_URL: z.string(),
  /** Folder of `originals` (written by production-api) and `derived` (ours). */
  MEDIA_DIR: z.string(),
  /** Folder of the node's identity and key, written by the enrolment. */
  NODE_DIR: z.string(),
  BROKER_URL: z.url(),
  MQTT_PASSWORD_FILE: z.string(),
  /** Where to connect for the VPS's own store; the address told at enrolment when left out. */
  MIRROR_URL: z.url().optional(),
  /** Host and port that are signed; those of MIRROR_URL when left out. */
  MIRROR_AUTHORITY: z.string().optional(),
  /** A bucket is used when S3_BUCKET is set, the VPS otherwise. */
  S3_BUCKET: z.string().optional(),
  S3_ENDPOINT: z.url().optional(),
  S3_REGION: z.string().default('us-east-1'),
  S3_ACCESS_KEY_ID: z.string().optional(),
  S3_SECRET_ACCESS_KEY_FILE: z.string().optional(),
});

export type Config = ReturnType<typeof readMediaConfig>;

/** @throws ConfigError in plain words */
export function readMediaConfig(env: NodeJS.ProcessEnv) {
  const values = readConfig(schema, env);
  return {
    host: values.HOST,
    port: values.PORT,
    dbUrl: values.MEDIA_DB_URL,
    mediaDir: values.MEDIA_DIR,
    nodeDir: values.NODE_DIR,
    brokerUrl: values.BROKER_URL,
    mqttPassword: readSecretFile(values.MQTT_PASSWORD_FILE),
    mirrorUrl: values.MIRROR_URL ?? null,
    mirrorAuthority: values.MIRROR_AUTHORITY ?? null,
    s3: s3Settings(values),
  };
}

function s3Settings(values: z.infer<typeof schema>): S3Settings | null {
  if (values.S3_BUCKET === undefined) return null;
  if (values.S3_ACCESS_KEY_ID === undefined || values.S3_SECRET_ACCESS_KEY_FILE === undefined)
    throw new ConfigError('S3_BUCKET is set: S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY_FILE must be set too.');
  return {
    endpoint: values.S3_ENDPOINT ?? null,
    region: values.S3_REGION,
    bucket: values.S3_BUCKET,
    accessKeyId: values.S3_ACCESS_KEY_ID,
    secretAccessKey: readSecretFile(values.S3_SECRET_ACCESS_KEY_FILE),
  };
}
