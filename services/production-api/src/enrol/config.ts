import { readConfig } from '@sgp/service-kit/config';
import * as z from 'zod';

const settings = z.object({
  NODE_DIR: z.string('must be the folder of this node’s identity'),
  LICENSE_URL: z.url({ protocol: /^https?$/, error: 'must be the address of the license service' }).optional(),
  LICENSE_AUTHORITY: z.string().min(1).optional(),
  ENROL_CODE: z.string().optional(),
});

export type EnrolConfig = {
  readonly nodeDir: string;
  /** Both are needed only by a node that is not enrolled yet. */
  readonly licenseUrl: string | undefined;
  readonly code: string | undefined;
  /** host:port that the license service knows as its own, when that is not the one of its address. */
  readonly licenseAuthority: string | undefined;
};

/** @throws ConfigError naming what is wrong with the environment */
export function loadEnrolConfig(env: NodeJS.ProcessEnv): EnrolConfig {
  const values = readConfig(settings, env);
  return {
    nodeDir: values.NODE_DIR,
    licenseUrl: values.LICENSE_URL,
    code: values.ENROL_CODE,
    licenseAuthority: values.LICENSE_AUTHORITY,
  };
}
