import type { Database } from '@sgp/service-kit/database';
import { type Block, type BlockSubject, blockSubjects, type putBlockBody } from '@sgp/shared/api/catalogue';
import { hlcParse } from '@sgp/shared/clock';
import { AppError } from '@sgp/shared/errors';
import type { MergedEntity } from '@sgp/sync-engine/merge';
import type * as z from 'zod';
import type { Actor } from '../audit/audit-store.ts';
import type { SharedStore } from '../catalogue/shared-store.ts';
import { fieldsThatChange, type SharedWriter } from '../catalogue/shared-writer.ts';
import { inTurn } from '../streams/say.ts';
import { nameOf } from './names.ts';

export type Blocks = {
  /** What is blocked now. */
  list(): Promise<readonly Block[]>;
  /** @throws AppError NOT_FOUND for what the shop does not have; BODY_INVALID for another subject than before */
  set(entityId: string, body: z.infer<typeof putBlockBody>, actor: Actor): Promise<Block>;
  /** Why it is blocked; undefined while it is not. */
  reason(db: Database, entityId: string): Promise<string | undefined>;
  reasons(db: Database): Promise<ReadonlyMap<string, string>>;
  /** @throws AppError BLOCKED with the reason in `details` */
  mustBeFree(db: Database, subject: BlockSubject, entityId: string): Promise<void>;
};

export function createBlocks(deps: {
  readonly db: Database;
  readonly shared: Pick<SharedStore, 'find' | 'list'>;
  readonly writer: SharedWriter;
}): Blocks {
  const { db, shared, writer } = deps;
  const reason: Blocks['reason'] = async (tx, entityId) => reasonOf(await shared.find(tx, 'block', entityId));
  const view = async (tx: Database, entity: MergedEntity): Promise<Block> => {
    const { entityId, fields } = entity;
    const subject = subjectOf(entity);
    return {
      entityId,
      subject,
      name: await nameOf(tx, subject, entityId),
      blocked: fields['blocked']?.value === true,
      reason: String(fields['reason']?.value ?? ''),
      at: fields['blocked'] === undefined ? 0 : hlcParse(fields['blocked'].at).ms,
    };
  };
  return {
    async list() {
      const blocked = (await shared.list(db, 'block')).filter((entity) => reasonOf(entity) !== undefined);
      return Promise.all(blocked.map((entity) => view(db, entity)));
    },
    set: (entityId, { subject, blocked, reason }, actor) =>
      inTurn(db, async (tx) => {
        const standing = await shared.find(tx, 'block', entityId);
        if (standing !== null && subjectOf(standing) !== subject)
          throw new AppError('BODY_INVALID', `This id is that of a ${subjectOf(standing)}. Nothing was changed.`);
        if (standing === null && (await nameOf(tx, subject, entityId)) === null)
          throw new AppError('NOT_FOUND', `There is no such ${subject}. Nothing was changed.`);
        const changed = fieldsThatChange(standing, { subject, blocked, reason });
        if (Object.keys(changed).length === 0 && standing !== null) return view(tx, standing);
        const saw = standing?.fields['blocked']?.at ?? null;
        // The reason stands or falls with the decision, so both are always written together.
        const fields = {
          ...(standing === null && { subject: { value: subject, saw: null } }),
          blocked: { value: blocked, saw },
          reason: { value: reason, saw },
        };
        const action = blocked ? 'blocked' : 'unblocked';
        return view(tx, await writer.write(tx, { kind: 'block', entityId, fields, actor, action }));
      }),
    reason,
    async reasons(tx) {
      const all = (await shared.list(tx, 'block')).map((entity) => [entity.entityId, reasonOf(entity)] as const);
      return new Map(all.filter((each): each is readonly [string, string] => each[1] !== undefined));
    },
    async mustBeFree(tx, subject, entityId) {
      const why = await reason(tx, entityId);
      if (why === undefined) return;
      const because = why === '' ? '' : ` (${why})`;
      throw new AppError('BLOCKED', `This ${subject} is blocked${because}. Nothing was changed.`, {
        details: { subject, entityId, reason: why },
      });
    },
  };
}

const reasonOf = (entity: MergedEntity | null): string | undefined =>
  entity?.fields['blocked']?.value === true ? String(entity.fields['reason']?.value ?? '') : undefined;

/** A newer Core may block what this version does not know; it is then shown as a material and refuses nothing else. */
const subjectOf = ({ fields }: MergedEntity): BlockSubject =>
  blockSubjects.find((each) => each === fields['subject']?.value) ?? 'material';
