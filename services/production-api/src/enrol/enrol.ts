import { generateKeyPairSync } from 'node:crypto';
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createFileOnce, makePrivateDir, replaceFile } from '@sgp/auth/durable-file';
import { createEnrolProof } from '@sgp/auth/enrol-proof';
import type { PrivateJwk } from '@sgp/auth/http-signature';
import { verifyKeyset, verifyLicence } from '@sgp/auth/licence';
import { identityOf, nodeFiles, privateJwkSchema, readNodeIdentity, readNodeKey } from '@sgp/auth/node-identity';
import { newId } from '@sgp/service-kit/ids';
import { type Enrolled, type Roots, rootsSchema } from '@sgp/shared/api/licensing';
import { AppError } from '@sgp/shared/errors';
import { uuidSchema } from '@sgp/shared/ids';
import type { EnrolConfig } from './config.ts';
import { EnrolRefused } from './enrol-refused.ts';
import { fetchRoots, postEnrolment } from './license-client.ts';

/**
 * Makes this folder the identity of an enrolled node, once. `identity.json` is written last: where it is, the rest is.
 * @returns the shop's name, and whether this run enrolled it
 * @throws EnrolRefused in one plain sentence; what was prepared stays, and a repeat goes on with the same id and key
 */
export async function enrolNode(
  config: EnrolConfig,
): Promise<{ readonly shopName: string; readonly outcome: 'enrolled' | 'was-enrolled' }> {
  const { nodeDir } = config;
  const at = (name: keyof typeof nodeFiles): string => join(nodeDir, nodeFiles[name]);
  if (await exists(at('identity'))) return { shopName: readIdentityName(nodeDir), outcome: 'was-enrolled' };
  if (!config.licenseUrl || !config.code)
    throw new EnrolRefused('This node is not enrolled: set LICENSE_URL and ENROL_CODE, and run the enrolment again.');

  const { nodeId, key } = await prepare(nodeDir, at);
  const roots = await readRoots(at('roots'), config.licenseUrl);
  const enrolled = await postEnrolment(config.licenseUrl, {
    code: config.code,
    nodeId,
    publicJwk: { kty: key.kty, crv: key.crv, x: key.x },
    proof: await createEnrolProof(key, config.code, nodeId),
  });
  await checkDocuments(enrolled, roots, nodeId);
  await replaceFile(at('roots'), JSON.stringify(roots));
  await replaceFile(at('keyset'), enrolled.keyset);
  await replaceFile(at('licence'), enrolled.licence);
  await replaceFile(at('identity'), JSON.stringify(identityOf(enrolled, config)));
  return { shopName: enrolled.establishment.name, outcome: 'enrolled' };
}

/** The id and the key are on the disk before anybody hears of them: if the answer is lost, the repeat is the same node. */
async function prepare(
  nodeDir: string,
  at: (name: keyof typeof nodeFiles) => string,
): Promise<{ readonly nodeId: string; readonly key: PrivateJwk }> {
  try {
    await makePrivateDir(nodeDir);
    await createFileOnce(at('nodeId'), newId());
    if (!(await exists(at('key')))) await createFileOnce(at('key'), JSON.stringify(createKey()));
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new EnrolRefused(`The folder ${nodeDir} cannot be written (${reason}): make it writable for this user.`);
  }
  try {
    return { nodeId: uuidSchema.parse((await readFile(at('nodeId'), 'utf8')).trim()), key: readNodeKey(nodeDir) };
  } catch {
    throw new EnrolRefused(`${at('nodeId')} or ${at('key')} is broken: restore them from the backup, or delete both.`);
  }
}

function createKey(): PrivateJwk {
  const { kty, crv, x, d } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  return privateJwkSchema.parse({ kty, crv, x, d });
}

/** Roots that were put there beforehand are trusted alone; without them, those of the first contact are kept. */
async function readRoots(path: string, licenseUrl: string): Promise<Roots> {
  if (!(await exists(path))) return fetchRoots(licenseUrl);
  try {
    return rootsSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    throw new EnrolRefused(`${path} is broken: restore it, or delete it to take the roots of the license service.`);
  }
}

/** What this node could not verify later must not become its identity. */
async function checkDocuments(enrolled: Enrolled, roots: Roots, nodeId: string): Promise<void> {
  try {
    const keyset = await verifyKeyset(enrolled.keyset, roots);
    await verifyLicence(enrolled.licence, keyset, { nodeId, nowMs: Date.now() });
  } catch (cause) {
    const code = cause instanceof AppError ? cause.code : 'unknown error';
    throw new EnrolRefused(
      `The license service answered with documents that this node cannot verify (${code}): check this machine’s clock and the address, then run the enrolment again.`,
    );
  }
}

function readIdentityName(nodeDir: string): string {
  try {
    return readNodeIdentity(nodeDir).shopName;
  } catch (error) {
    throw new EnrolRefused((error as Error).message);
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw new EnrolRefused(`${path} cannot be read (${(error as NodeJS.ErrnoException).code}): check its permissions.`);
  }
}
