import type { Database } from '@sgp/service-kit/database';
import type { Say } from '../streams/say.ts';

/** Tells the Core what a machine is called, as the row stands in this transaction. */
export const createMachineStream =
  (say: Say) =>
  async (tx: Database, machineId: string): Promise<void> => {
    const [row] = await tx('machines')
      .where({ machine_id: machineId })
      .increment('sync_version', 1)
      .returning(['slug', 'name', 'kind', 'sector', 'created_at', 'sync_version']);
    const { slug, name, kind, sector, created_at: createdAt, sync_version: version } = row;
    const payload = { machineId, slug, name, kind, sector, createdAt };
    await say(tx, { stream: 'machines', entityId: machineId, version, payload });
  };
