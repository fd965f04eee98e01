import { generateKeyPairSync } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type NodeIdentity, nodeFiles } from '@sgp/auth/node-identity';
import { newId } from '@sgp/service-kit/ids';

/** What enrolment leaves behind, for a shop named "Gráfica Aurora" with the slug `aurora`. */
export async function writeNodeFolder(dir: string): Promise<NodeIdentity> {
  await mkdir(dir, { recursive: true });
  const [nodeId, companyId, establishmentId] = [newId(), newId(), newId()];
  const identity: NodeIdentity = {
    nodeId,
    shortId: 'abcdefabcdef',
    apiKey: `npk_live_abcdefabcdef_${'k'.repeat(43)}`,
    keyId: 'nk_test',
    mirrorUrl: 'http://127.0.0.1:1',
    companyId,
    establishmentId,
    est: 'aurora',
    shopName: 'Gráfica Aurora',
    timeZone: 'America/Sao_Paulo',
  };
  await writeFile(join(dir, nodeFiles.identity), JSON.stringify(identity));
  const key = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  await writeFile(join(dir, nodeFiles.key), JSON.stringify(key));
  return identity;
}
