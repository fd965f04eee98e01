import { ConfigError, portSetting, readConfig, readSecretFile } from '@sgp/service-kit/config';
import * as z from 'zod';

const schema = z.object({
  HOST: z.string().default('127.0.0.1'),
  PORT: portSetting.default(7001),
  /** `sqlite:PATH` or `postgres://…` */
  MIRROR_DB_URL: z.string(),
  /** Where photos are kept when there is no bucket. */
  MEDIA_DIR: z.string(),
  /** Host and port that nodes sign; behind a proxy the public ones. */
  MIRROR_AUTHORITY: z.string().min(1),
  LICENSE_URL: z.url(),
  /** Folder of the key with which the Core signs what it says to nodes; made at the first start. */
  SYNC_KEY_DIR: z.string(),
  /** The vendor's token for `/api/core`; without it nobody may call what needs it. */
  OPERATOR_TOKEN_FILE: z.string().optional(),
  LICENSE_SERVICE_TOKEN_FILE: z.string(),
  /** Holds `smtps://user:password@host`; without it nobody is told of outages by e-mail. */
  ALERT_SMTP_URL_FILE: z.string().optional(),
  /** Who such messages come from, for example `SGP <sgp@example.com>`. */
  ALERT_MAIL_FROM: z.string().includes('@').default('SGP <sgp@localhost>'),
  /** `any`: webhooks may go to private addresses and over http, for a Core inside one company's network. */
  ALERT_WEBHOOK_TARGETS: z.enum(['public', 'any']).default('public'),
  MEDIA_URL_SECRET_FILE: z.string(),
  /** Folder of the built PWA; without it the pages are plain text. */
  WEB_DIR: z.string().optional(),
  TRUSTED_PROXY_HOPS: z
    .enum(['0', '1'])
    .default('0')
    .transform((hops): 0 | 1 => (hops === '1' ? 1 : 0)),
  /** Set: photos are in this bucket, and the other S3 settings have to be there too. */
  S3_BUCKET: z.string().optional(),
});

/** The mirror's settings, with the secrets that their files hold. @throws ConfigError in one plain sentence */
export function readMirrorConfig(env: NodeJS.ProcessEnv) {
  const settings = readConfig(schema, env);
  return {
    host: settings.HOST,
    port: settings.PORT,
    dbUrl: settings.MIRROR_DB_URL,
    mediaDir: settings.MEDIA_DIR,
    authority: settings.MIRROR_AUTHORITY,
    license: { url: settings.LICENSE_URL, serviceToken: readSecretFile(settings.LICENSE_SERVICE_TOKEN_FILE) },
    syncKeyDir: settings.SYNC_KEY_DIR,
    operatorToken: settings.OPERATOR_TOKEN_FILE === undefined ? null : readOperatorToken(settings.OPERATOR_TOKEN_FILE),
    alerts: {
      mail:
        settings.ALERT_SMTP_URL_FILE === undefined
          ? null
          : { url: readSecretFile(settings.ALERT_SMTP_URL_FILE), from: settings.ALERT_MAIL_FROM },
      targets: settings.ALERT_WEBHOOK_TARGETS,
    },
    mediaUrlSecret: readSecretFile(settings.MEDIA_URL_SECRET_FILE),
    webDir: settings.WEB_DIR,
    trustedProxyHops: settings.TRUSTED_PROXY_HOPS,
    s3: settings.S3_BUCKET === undefined ? null : readS3(env),
  };
}

/** 32 characters of base64url are 192 bits. */
const tokenMinChars = 32;

function readOperatorToken(path: string): string {
  const token = readSecretFile(path);
  if (token.length < tokenMinChars)
    throw new ConfigError(`The secret in ${path} is too short: it needs at least ${tokenMinChars} characters.`);
  return token;
}

export type S3Options = {
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
};

const s3Schema = z.object({
  S3_BUCKET: z.string(),
  S3_ENDPOINT: z.url(),
  S3_REGION: z.string().default('us-east-1'),
  S3_ACCESS_KEY_ID: z.string(),
  S3_SECRET_ACCESS_KEY_FILE: z.string(),
});

/** With a bucket, all that it needs has to be there. */
function readS3(env: NodeJS.ProcessEnv): S3Options {
  const settings = readConfig(s3Schema, env);
  return {
    endpoint: settings.S3_ENDPOINT,
    region: settings.S3_REGION,
    bucket: settings.S3_BUCKET,
    accessKeyId: settings.S3_ACCESS_KEY_ID,
    secretAccessKey: readSecretFile(settings.S3_SECRET_ACCESS_KEY_FILE),
  };
}
