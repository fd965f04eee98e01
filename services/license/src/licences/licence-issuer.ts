import { licenseService, nodeAudience, signDocument } from '@sgp/auth/document';
import { newId } from '@sgp/service-kit/ids';
import type { LicenceClaims } from '@sgp/shared/api/licensing';
import { decodeProtectedHeader } from 'jose';
import type { CompanyStore, Contract } from '../companies/company-store.ts';
import type { Keyring } from '../keys/keyring.ts';
import { licenseLimits } from '../license-limits.ts';
import type { Node } from '../nodes/node-store.ts';
import type { LicenceStore, StoredLicence } from './licence-store.ts';
import { planOf } from './plan.ts';

export type LicenceIssuer = {
  /** The node's licence as a compact JWS: the stored one, or a new one once that is older than a day. */
  current(node: Pick<Node, 'nodeId' | 'establishmentId'>): Promise<string>;
};

/** True until the grace after the paid time ends (SECURITY 3.3); a contract without an end is always active. */
export const isContractActive = ({ paidUntil }: Pick<Contract, 'paidUntil'>, nowMs: number): boolean =>
  paidUntil === null || nowMs < paidUntil + licenseLimits.licencePaidMarginMs + licenseLimits.licenceGraceMs;

export function createLicenceIssuer(deps: {
  readonly licences: Pick<LicenceStore, 'find' | 'put'>;
  readonly companies: Pick<CompanyStore, 'findEstablishment'>;
  readonly keyring: Pick<Keyring, 'licenceKey'>;
  readonly now: () => number;
}): LicenceIssuer {
  const { licences, companies, keyring, now } = deps;

  const isFresh = (licence: StoredLicence): boolean =>
    now() - licence.issuedAt < licenseLimits.licenceRenewAfterMs &&
    decodeProtectedHeader(licence.jws).kid === keyring.licenceKey.kid;

  async function issue(
    node: Pick<Node, 'nodeId' | 'establishmentId'>,
    last: StoredLicence | undefined,
  ): Promise<StoredLicence> {
    const owner = await companies.findEstablishment(node.establishmentId);
    if (!owner) throw new Error(`The establishment ${node.establishmentId} of a node does not exist.`);
    const issuedAt = now();
    const seq = (last?.seq ?? 0) + 1;
    const licenceId = last?.licenceId ?? `lic_${newId()}`;
    const claims: LicenceClaims = {
      iss: licenseService,
      sub: licenceId,
      aud: nodeAudience(node.nodeId),
      jti: newId(),
      ...licenceTimes(issuedAt, owner.contract.paidUntil),
      tid: owner.company.companyId,
      est: owner.establishment.establishmentId,
      seq,
      plan: owner.contract.plan,
      env: 'live',
      ...planOf(owner.contract.plan),
      company_name: owner.company.name,
      establishment_name: owner.establishment.name,
    };
    const jws = await signDocument('lic+jwt', claims, keyring.licenceKey);
    return { nodeId: node.nodeId, licenceId, seq, issuedAt, jws };
  }

  return {
    async current(node) {
      const last = await licences.find(node.nodeId);
      if (last && isFresh(last)) return last.jws;
      const next = await issue(node, last);
      if (await licences.put(next)) return next.jws;
      // Another request of this node was first: two licences of one seq must not exist.
      const winner = await licences.find(node.nodeId);
      if (!winner) throw new Error(`The licence of node ${node.nodeId} vanished.`);
      return winner.jws;
    },
  };
}

/** Times of the claims, in seconds: the file lives min(30 d, paid + 14 d), then comes the grace. */
export function licenceTimes(
  issuedAtMs: number,
  paidUntilMs: number | null,
): Pick<LicenceClaims, 'iat' | 'nbf' | 'exp' | 'paid_until' | 'grace_until'> {
  const seconds = (ms: number): number => Math.floor(ms / 1000);
  const paidMs = paidUntilMs ?? issuedAtMs + licenseLimits.openContractMs;
  const expMs = Math.min(issuedAtMs + licenseLimits.licenceLifeMs, paidMs + licenseLimits.licencePaidMarginMs);
  return {
    iat: seconds(issuedAtMs),
    nbf: seconds(issuedAtMs) - licenseLimits.licenceNotBeforeMarginS,
    exp: seconds(expMs),
    paid_until: seconds(paidMs),
    grace_until: seconds(expMs + licenseLimits.licenceGraceMs),
  };
}
