import { readConfig } from '@sgp/service-kit/config';
import * as z from 'zod';

const settings = z.object({
  PRODUCTION_DB_URL: z.string(),
  /** Folder that enrolment wrote. */
  NODE_DIR: z.string(),
  /** Where the cloud is; that of the shop that is enrolled here when left out. */
  MIRROR_URL: z.url({ protocol: /^https?$/ }).optional(),
  /** host:port that the mirror knows as its own: what is signed for it names that. */
  MIRROR_AUTHORITY: z.string().min(1).optional(),
  LC_ALL: z.string().optional(),
  LC_MESSAGES: z.string().optional(),
  LANG: z.string().optional(),
});

export type BundleConfig = ReturnType<typeof loadBundleConfig>;

/** @throws ConfigError naming what is wrong */
export function loadBundleConfig(env: NodeJS.ProcessEnv) {
  const { LC_ALL, LC_MESSAGES, LANG, ...read } = readConfig(settings, env);
  return {
    databaseUrl: read.PRODUCTION_DB_URL,
    nodeDir: read.NODE_DIR,
    mirrorUrl: read.MIRROR_URL ?? null,
    mirrorAuthority: read.MIRROR_AUTHORITY,
    language: LC_ALL ?? LC_MESSAGES ?? LANG ?? '',
  };
}
