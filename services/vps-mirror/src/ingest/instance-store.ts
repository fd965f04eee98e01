import type { Database } from '@sgp/service-kit/database';
import type { NodeRecord } from '@sgp/shared/api/licensing';
import { AppError } from '@sgp/shared/errors';
import type { EdgeHealth } from '@sgp/shared/sync';
import type { BundleOpening } from '@sgp/shared/sync-bundle';
import type { Hello, HelloAnswer, HelloVerdict } from '@sgp/shared/sync-hello';
import { judgeBundle, judgeFilePush, judgeHello, judgePush, type NodeInstances } from '@sgp/sync-engine/instances';
import { checkpointOf } from './checkpoints.ts';
import type { Envelope } from './decode-batch.ts';

/** Which running copy of each node is the present one; `@sgp/sync-engine/instances` is the law, this is its memory. */

type Row = {
  readonly epoch: string | null;
  readonly generation: number | null;
  readonly instance_id: string | null;
  readonly forked_at: number | null;
};

export type HelloOutcome = Omit<HelloAnswer, 'schemaVersion' | 'coreTimeMs'> & {
  readonly verdict: HelloVerdict;
};

export type InstanceStore = {
  /**
   * Judges a handshake under the lock of its node.
   * @throws AppError NODE_STATE_FORKED when two live copies use this identity; that it is so is stored
   */
  hello(node: NodeRecord, hello: Hello, nowMs: number): Promise<HelloOutcome>;
  /**
   * Judges the start that wrote a file of pushes, under the lock of its node; one that is news becomes the present one.
   * @throws AppError NODE_STATE_FORKED, NODE_SUPERSEDED
   */
  takeFile(node: NodeRecord, opening: BundleOpening, nowMs: number): Promise<void>;
  /**
   * A person decided which copy goes on.
   * @returns false for a node that never said hello
   */
  clearFork(nodeId: string): Promise<boolean>;
};

const forkedRefusal = () =>
  new AppError(
    'NODE_STATE_FORKED',
    'Two live copies of this node use one identity; nothing was kept. The vendor has to decide which one goes on.',
  );

export function createInstanceStore(db: Database): InstanceStore {
  return {
    async hello(node, hello, nowMs) {
      const judged = await db.transaction(async (tx) => {
        await tx('node_sync').insert(newRow(node, nowMs)).onConflict('node_id').ignore();
        const row: Row = await tx('node_sync').where({ node_id: node.nodeId }).forUpdate().first();
        const known = await knownInstances(tx, node.nodeId, row);
        const checkpoint = await checkpointOf(tx, hello);
        const { answer, next } = judgeHello(known, checkpoint, hello);
        await saveInstances(tx, hello, { known, next }, nowMs);
        if (answer === 'forked' || answer === 'superseded') return { refusal: refusalOf(answer, known) };
        const { ackedSeq, channels } = checkpoint;
        return { outcome: { verdict: answer, ackedSeq, channels } };
      });
      // Thrown only now: that the node is forked has to be committed.
      if (judged.refusal) throw judged.refusal;
      return judged.outcome;
    },
    async takeFile(node, opening, nowMs) {
      await db.transaction(async (tx) => {
        await tx('node_sync').insert(newRow(node, nowMs)).onConflict('node_id').ignore();
        const row: Row = await tx('node_sync').where({ node_id: node.nodeId }).forUpdate().first();
        const known = await knownInstances(tx, node.nodeId, row);
        const sameGeneration = await instanceOf(tx, opening);
        const judged = judgeBundle(known && { ...known, sameGeneration }, await checkpointOf(tx, opening), opening);
        if (judged.answer === 'forked') throw forkedRefusal();
        if (judged.answer === 'superseded') throw otherDiskRefusal();
        if (judged.next?.present.instanceId !== known?.present.instanceId)
          await saveInstances(tx, opening, { known, next: judged.next }, nowMs);
        else if (sameGeneration === null) await noteEarlierStart(tx, opening, nowMs);
      });
    },
    async clearFork(nodeId) {
      return (await db('node_sync').where({ node_id: nodeId }).update({ forked_at: null })) > 0;
    },
  };
}

const refusalOf = (answer: 'forked' | 'superseded', known: NodeInstances | null): AppError =>
  answer === 'forked' ? forkedRefusal() : supersededRefusal(known);

const newRow = ({ nodeId, companyId, establishmentId }: NodeRecord, nowMs: number) => ({
  node_id: nodeId,
  company_id: companyId,
  establishment_id: establishmentId,
  last_seen_at: nowMs,
});

function presentOf(row: Row | undefined): NodeInstances | null {
  if (!row || row.epoch === null || row.generation === null || row.instance_id === null) return null;
  return {
    present: { epoch: row.epoch, generation: row.generation, instanceId: row.instance_id },
    formerEpochs: [],
    forked: row.forked_at !== null,
  };
}

async function knownInstances(tx: Database, nodeId: string, row: Row): Promise<NodeInstances | null> {
  const known = presentOf(row);
  if (known === null) return null;
  const rows: readonly { readonly epoch: string; readonly parent_epoch: string | null }[] = await tx('node_instances')
    .where({ node_id: nodeId })
    .distinct('epoch', 'parent_epoch');
  const epochs = rows.flatMap(({ epoch, parent_epoch }) => (parent_epoch === null ? [epoch] : [epoch, parent_epoch]));
  return { ...known, formerEpochs: [...new Set(epochs)].filter((each) => each !== known.present.epoch) };
}

/** The instance that a generation was given to; null when it was never heard of. */
async function instanceOf(
  tx: Database,
  { nodeId, epoch, generation }: Pick<BundleOpening, 'nodeId' | 'epoch' | 'generation'>,
): Promise<string | null> {
  const row: Pick<Row, 'instance_id'> | undefined = await tx('node_instances')
    .where({ node_id: nodeId, epoch, generation })
    .orderBy('first_at')
    .first('instance_id');
  return row?.instance_id ?? null;
}

async function saveInstances(
  tx: Database,
  said: Pick<Hello, 'nodeId' | 'epoch' | 'parentEpoch' | 'instanceId'>,
  { known, next }: { readonly known: NodeInstances | null; readonly next: NodeInstances | null },
  nowMs: number,
): Promise<void> {
  if (next === null) return;
  const { nodeId } = said;
  const { epoch, generation, instanceId } = next.present;
  const forkedNow = next.forked && known?.forked !== true;
  await tx('node_sync')
    .where({ node_id: nodeId })
    .update({
      ...{ epoch, generation, instance_id: instanceId, last_seen_at: nowMs },
      ...(forkedNow && { forked_at: nowMs }),
    });
  // Of another start than the present one, the parent is not to be written under its name.
  const parent = said.instanceId === instanceId && said.epoch === epoch ? { parent_epoch: said.parentEpoch } : {};
  await tx('node_instances')
    .insert({
      ...{ node_id: nodeId, epoch, instance_id: instanceId, generation, first_at: nowMs, last_at: nowMs },
      ...parent,
    })
    .onConflict(['node_id', 'epoch', 'instance_id'])
    .merge(['last_at', ...Object.keys(parent)]);
  await tx('node_instances')
    .where({ node_id: nodeId })
    .whereNot({ instance_id: instanceId })
    .whereNull('superseded_at')
    .update({ superseded_at: nowMs });
}

/** A start that ended unheard of: a file of another disk under its generation is told from it. */
const noteEarlierStart = (
  tx: Database,
  { nodeId, epoch, parentEpoch, generation, instanceId }: BundleOpening,
  nowMs: number,
): Promise<unknown> =>
  tx('node_instances').insert({
    ...{ node_id: nodeId, epoch, parent_epoch: parentEpoch, instance_id: instanceId, generation },
    ...{ first_at: nowMs, last_at: nowMs, superseded_at: nowMs },
  });

/**
 * Lets a push through only if its instance is the present one, in the transaction of the push. The lock is one that pushes
 * share and a handshake does not, so that no push of a superseded instance is under way when a handshake is answered.
 * Version 1 names no instance: only a fork stops it.
 * @throws AppError NODE_STATE_FORKED; NODE_SUPERSEDED with `details.presentInstance`
 */
export async function requirePresent(tx: Database, envelope: Envelope): Promise<void> {
  const row: Row | undefined = await tx('node_sync').where({ node_id: envelope.nodeId }).forKeyShare().first();
  const known = presentOf(row);
  const judged = envelope.schemaVersion === 1 ? (known?.forked ? 'forked' : 'go-on') : judgePush(known, envelope);
  if (judged === 'forked') throw forkedRefusal();
  if (judged === 'superseded') throw supersededRefusal(known);
}

/**
 * Lets a push of a file through if it is of the present disk, whichever of its starts wrote it.
 * @throws AppError NODE_STATE_FORKED, NODE_SUPERSEDED
 */
export async function requireKnownDisk(tx: Database, envelope: Envelope): Promise<void> {
  const row: Row | undefined = await tx('node_sync').where({ node_id: envelope.nodeId }).forKeyShare().first();
  const judged = envelope.schemaVersion === 1 ? 'superseded' : judgeFilePush(presentOf(row), envelope);
  if (judged === 'forked') throw forkedRefusal();
  if (judged === 'superseded') throw otherDiskRefusal();
}

const otherDiskRefusal = (): AppError =>
  new AppError(
    'NODE_SUPERSEDED',
    'The file is not of the present state of its disk (a copy, or from before a restore). Write a new one at the shop.',
  );

/** For other signed calls than pushes. @throws AppError NODE_STATE_FORKED */
export async function requireUnforked(db: Database, nodeId: string): Promise<void> {
  const row: Row | undefined = await db('node_sync').where({ node_id: nodeId }).first('forked_at');
  if (row && row.forked_at !== null) throw forkedRefusal();
}

const supersededRefusal = (known: NodeInstances | null) =>
  new AppError('NODE_SUPERSEDED', 'This is not the present start of its node; nothing was kept. Say hello.', {
    details: known === null ? {} : { presentInstance: known.present.instanceId },
  });

/** What the edge told of itself with a sign of life. */
export async function noteHealth(tx: Database, nodeId: string, health: EdgeHealth, nowMs: number): Promise<void> {
  await tx('node_sync')
    .where({ node_id: nodeId })
    .update({ health: JSON.stringify(health), last_seen_at: nowMs });
}
