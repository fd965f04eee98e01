import { readConfig } from '@sgp/service-kit/config';
import * as z from 'zod';

const settings = z.object({
  NODE_DIR: z.string('must be the folder of this node’s identity'),
  LICENSE_URL: z.url('must be the address of the license service').optional(),
  ENROL_CODE: z.string().optional(),
});

export type EnrolConfig = {
  readonly nodeDir: string;
  /** Both are needed only by a node that is not enrolled yet. */
  readonly licenseUrl: string | undefined;
  readonly code: string | undefined;
};

/** @throws ConfigError naming what is wrong with the environment */
export function loadEnrolConfig(env: NodeJS.ProcessEnv): EnrolConfig {
  const values = readConfig(settings, env);
  return { nodeDir: values.NODE_DIR, licenseUrl: values.LICENSE_URL, code: values.ENROL_CODE };
}
