import { ConfigError } from '@sgp/service-kit/config';
import { loadEnrolConfig } from './config.ts';
import { enrolNode } from './enrol.ts';
import { EnrolRefused } from './enrol-refused.ts';

// Runs once and ends: 0 when the node is enrolled, now or before; 2 with one plain sentence when it is not.
try {
  const { shopName, outcome } = await enrolNode(loadEnrolConfig(process.env));
  const sentence = outcome === 'enrolled' ? 'This node is enrolled' : 'This node was enrolled before';
  process.stdout.write(`${sentence}, for ${shopName}.\n`);
} catch (error) {
  const expected = error instanceof EnrolRefused || error instanceof ConfigError;
  process.stderr.write(`${expected ? error.message : `The enrolment failed: ${String(error)}`}\n`);
  process.exitCode = 2;
}
