import { createApiKey } from '@sgp/auth/api-key';
import { sha256Hex } from '@sgp/auth/digest';
import { thumbprint, verifyEnrolProof } from '@sgp/auth/enrol-proof';
import { type Route, route } from '@sgp/service-kit/route';
import { idParams } from '@sgp/shared/api/common';
import { type Enrolled, enrolBody, enrolledSchema, enrolmentCodeSchema } from '@sgp/shared/api/licensing';
import { AppError } from '@sgp/shared/errors';
import type * as z from 'zod';
import type { CompanyStore } from '../companies/company-store.ts';
import type { FailureLimit } from '../failure-limit.ts';
import type { Keyring } from '../keys/keyring.ts';
import type { LicenceIssuer } from '../licences/licence-issuer.ts';
import { licenseLimits } from '../license-limits.ts';
import { createCode, normaliseCode } from './code.ts';
import type { EnrolmentStore, EnrolOutcome } from './enrolment-store.ts';

export type EnrolmentDeps = {
  readonly enrolments: EnrolmentStore;
  readonly companies: Pick<CompanyStore, 'findEstablishment'>;
  readonly issuer: LicenceIssuer;
  readonly keyring: Pick<Keyring, 'keyset'>;
  readonly enrolFailures: FailureLimit;
  /** Told to nodes: where they push to. */
  readonly mirrorUrl: string;
  readonly now: () => number;
};

/** Codes for new nodes, and the enrolment that uses them up. */
export function enrolmentRoutes(deps: EnrolmentDeps): readonly Route[] {
  return [
    route(
      {
        method: 'POST',
        path: '/v1/establishments/:id/enrolment-codes',
        summary: 'Makes a code with which one node of the establishment enrols within 24 hours',
        tag: 'enrolment',
        access: 'admin',
        params: idParams,
        answer: enrolmentCodeSchema,
        status: 201,
      },
      async ({ params }) => {
        if (!(await deps.companies.findEstablishment(params.id)))
          throw new AppError('NOT_FOUND', 'There is no establishment of this id.');
        const code = createCode();
        const createdAt = deps.now();
        const expiresAt = createdAt + licenseLimits.enrolmentCodeLifeMs;
        const codeHash = sha256Hex(normaliseCode(code));
        await deps.enrolments.addCode({ codeHash, establishmentId: params.id, createdAt, expiresAt });
        return { code, expiresAt };
      },
    ),
    route(
      {
        method: 'POST',
        path: '/v1/enrol',
        summary: 'Enrols a node that shows an enrolment code and possession of its key',
        tag: 'enrolment',
        access: 'open',
        body: enrolBody,
        answer: enrolledSchema,
        status: 201,
      },
      ({ body, ctx }) => deps.enrolFailures.watch(ctx.ip, () => enrol(deps, body)),
    ),
  ];
}

async function enrol(deps: EnrolmentDeps, body: z.infer<typeof enrolBody>): Promise<Enrolled> {
  const codeHash = sha256Hex(normaliseCode(body.code));
  await checkCode(deps, codeHash, body);
  const keyId = `nk_${(await thumbprint(body.publicJwk)).slice(0, 22)}`;
  const { nodeId, publicJwk } = body;
  const outcome = await deps.enrolments.enrol({
    codeHash,
    nodeId,
    keyId,
    publicX: publicJwk.x,
    createApiKey,
    nowMs: deps.now(),
  });
  if (outcome.kind !== 'enrolled') throw refusal(outcome.kind);
  const owner = await deps.companies.findEstablishment(outcome.establishmentId);
  if (!owner) throw new Error(`The establishment ${outcome.establishmentId} of a code does not exist.`);
  return {
    nodeId,
    shortId: outcome.shortId,
    apiKey: outcome.apiKey,
    keyId,
    company: owner.company,
    establishment: owner.establishment,
    licence: await deps.issuer.current({ nodeId, establishmentId: outcome.establishmentId }),
    keyset: await deps.keyring.keyset(deps.now()),
    mirrorUrl: deps.mirrorUrl,
  };
}

/** What can be told without using the code up. The proof is checked before anything about the code's fate is told. */
async function checkCode(deps: EnrolmentDeps, codeHash: string, body: z.infer<typeof enrolBody>): Promise<void> {
  const code = await deps.enrolments.findCode(codeHash);
  if (!code) throw new AppError('ENROL_CODE_INVALID', 'This is not an enrolment code of ours; check what was typed.');
  if (code.failedTries >= licenseLimits.enrolmentCodeTriesMax)
    throw new AppError('ENROL_CODE_EXPIRED', 'This enrolment code was tried wrongly too often; ask for a new one.');
  if (!(await verifyEnrolProof(body.proof, body))) {
    await deps.enrolments.countFailedTry(codeHash);
    throw new AppError('SIG_INVALID', 'The proof is not a signature of the new key over this code and node.');
  }
}

function refusal(kind: Exclude<EnrolOutcome['kind'], 'enrolled'>): AppError {
  switch (kind) {
    case 'code-used':
      return new AppError('ENROL_CODE_USED', 'This enrolment code was used; ask for a new one.');
    case 'code-expired':
      return new AppError('ENROL_CODE_EXPIRED', 'This enrolment code is too old; ask for a new one.');
    case 'identity-taken':
      return new AppError('ALREADY_EXISTS', 'A node with this id or key exists; the code stays unused.');
    case 'banned':
      return new AppError('NODE_BANNED', 'This node is suspended or banned; the code stays unused.');
  }
}
