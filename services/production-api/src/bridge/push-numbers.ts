import type { Database } from '@sgp/service-kit/database';

/**
 * Push numbers are taken in blocks of this size, so that a push costs no commit before it. A restart skips what was left
 * of the block: numbers only have to grow.
 */
const blockSize = 1000;

/** Numbers of one channel: none is given twice, whatever crashes. */
export type PushNumbers = (channel: number, above: number) => Promise<number>;

export function createPushNumbers(db: Database): PushNumbers {
  const blocks = new Map<number, { next: number; readonly reserved: number }>();
  const reserve = (channel: number, above: number) =>
    db.transaction(async (tx) => {
      const row = await tx('sync_channels').where({ channel }).forUpdate().first('push_seq');
      const start = Math.max(row.push_seq, above);
      await tx('sync_channels')
        .where({ channel })
        .update({ push_seq: start + blockSize });
      return { next: start + 1, reserved: start + blockSize };
    });
  return async (channel, above) => {
    let block = blocks.get(channel);
    if (block === undefined || block.next > block.reserved || block.next <= above) {
      block = await reserve(channel, above);
      blocks.set(channel, block);
    }
    return block.next++;
  };
}
