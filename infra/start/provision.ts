import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Layout } from './plan.ts';
import { StartRefused } from './prepare.ts';
import { root } from './root.ts';
import { texts } from './texts.ts';

/** What the license service made for this installation, kept so that a second start makes nothing new. */
type FirstEstablishment = { readonly companyId: string; readonly establishmentId: string };

const firstNames = { company: 'Minha empresa', establishment: 'Minha loja', slug: 'loja' } as const;
const demoNames = { company: 'Fio & Ponto', establishment: 'Fio & Ponto Bordados', slug: 'matriz' } as const;

/**
 * Has a one-time code issued for the installation's establishment, through the license service's own API; company and
 * establishment are created the first time.
 */
export async function issueEnrolmentCode(licenseUrl: string, at: Layout, demo: boolean): Promise<string> {
  const token = readFileSync(at.secret('license-admin'), 'utf8').trim();
  const post = async <Answer>(path: string, body: unknown): Promise<Answer> => {
    const response = await fetch(new URL(path, licenseUrl), {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }).catch((cause) => {
      throw new StartRefused(texts.coreUnreachable(licenseUrl), { cause });
    });
    if (!response.ok) throw new StartRefused(texts.enrolFailed(`${response.status} ${await response.text()}`));
    return (await response.json()) as Answer;
  };
  const file = join(at.core, 'first-establishment.json');
  if (!existsSync(file)) {
    const names = demo ? demoNames : firstNames;
    const { companyId } = await post<{ companyId: string }>('/v1/companies', { name: names.company });
    const { establishmentId } = await post<{ establishmentId: string }>(`/v1/companies/${companyId}/establishments`, {
      name: names.establishment,
      slug: names.slug,
    });
    writeFileSync(file, JSON.stringify({ companyId, establishmentId } satisfies FirstEstablishment));
  }
  const { establishmentId } = JSON.parse(readFileSync(file, 'utf8')) as FirstEstablishment;
  return (await post<{ code: string }>(`/v1/establishments/${establishmentId}/enrolment-codes`, {})).code;
}

export const isEnrolled = (at: Layout): boolean => existsSync(join(at.node, 'identity.json'));

/** What the launcher itself needs to know of the node. */
export function readIdentity(at: Layout): { readonly est: string; readonly mirrorUrl: string } {
  const identity = JSON.parse(readFileSync(join(at.node, 'identity.json'), 'utf8')) as {
    est: string;
    mirrorUrl: string;
  };
  return { est: identity.est, mirrorUrl: identity.mirrorUrl };
}

/** Runs the edge's one-shot enrolment process: the node's key is born there and never leaves it. */
export async function enrol(licenseUrl: string, code: string, at: Layout): Promise<void> {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', join(root, 'services/production-api/src/enrol/main.ts')],
    {
      cwd: root,
      env: { ...process.env, LICENSE_URL: licenseUrl, ENROL_CODE: code, NODE_DIR: at.node, LOG_LEVEL: 'warn' },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data));
  const exitCode = await new Promise((resolve) => child.once('close', resolve));
  if (exitCode !== 0) throw new StartRefused(texts.enrolFailed(output.trim().split('\n').at(-1) ?? `exit ${exitCode}`));
}
