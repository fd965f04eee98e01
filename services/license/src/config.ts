import { ConfigError, portSetting, readConfig, readSecretFile } from '@sgp/service-kit/config';
import * as z from 'zod';

const settings = z.object({
  HOST: z.string().default('127.0.0.1'),
  PORT: portSetting.default(7002),
  LICENSE_DB_URL: z.string('must be sqlite:PATH or postgres://…'),
  KEYS_DIR: z.string('must be the folder of the signing keys'),
  ADMIN_TOKEN_FILE: z.string('must name the file with the vendor’s token'),
  SERVICE_TOKEN_FILE: z.string('must name the file with the token of the other services'),
  MIRROR_URL: z.url('must be the address that nodes push to'),
  LICENSE_AUTHORITY: z.string().optional(),
});

export type Config = {
  readonly host: string;
  readonly port: number;
  readonly dbUrl: string;
  readonly keysDir: string;
  readonly adminToken: string;
  readonly serviceToken: string;
  /** Told to nodes at enrolment. */
  readonly mirrorUrl: string;
  /** Host and port that nodes sign; `undefined`: those that this process listens on. */
  readonly authority: string | undefined;
};

/** @throws ConfigError naming what is wrong with the environment */
export function loadConfig(env: NodeJS.ProcessEnv): Config {
  const values = readConfig(settings, env);
  return {
    host: values.HOST,
    port: values.PORT,
    dbUrl: values.LICENSE_DB_URL,
    keysDir: values.KEYS_DIR,
    adminToken: readToken(values.ADMIN_TOKEN_FILE),
    serviceToken: readToken(values.SERVICE_TOKEN_FILE),
    mirrorUrl: values.MIRROR_URL,
    authority: values.LICENSE_AUTHORITY,
  };
}

/** 32 characters of base64url are 192 bits; an empty file would let everybody in. */
const tokenMinChars = 32;

function readToken(path: string): string {
  const token = readSecretFile(path);
  if (token.length < tokenMinChars)
    throw new ConfigError(`The secret in ${path} is too short: it needs at least ${tokenMinChars} characters.`);
  return token;
}
