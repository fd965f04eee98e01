import type { Database } from '@sgp/service-kit/database';
import { newId } from '@sgp/service-kit/ids';
import type { DiskIdentity } from '@sgp/sync-engine/ports';
import { readLowWater } from '../bridge/outbox-queue.ts';

export type Start = DiskIdentity & { readonly lowWaterSeq: number };

/**
 * The last start of this disk: a file is written in its name, whichever process writes it. Where the bridge never started,
 * this is a start of its own.
 */
export async function lastStart(db: Database): Promise<Start> {
  await db('sync_state')
    .where({ id: 1 })
    .whereNull('instance_id')
    .increment('generation', 1)
    .update({ instance_id: newId() });
  const state = await db('sync_state')
    .where({ id: 1 })
    .first('epoch', 'parent_epoch', 'generation', 'instance_id', 'acked_seq');
  const { last_seq: lastSeq } = await db('outbox_head').where({ id: 1 }).first('last_seq');
  return {
    ...{ epoch: state.epoch, parentEpoch: state.parent_epoch, generation: state.generation },
    ...{ instanceId: state.instance_id, lastSeq, ackedSeq: state.acked_seq, lowWaterSeq: await readLowWater(db) },
  };
}
