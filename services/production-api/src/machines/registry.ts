import { sha256Hex } from '@sgp/auth/digest';
import type { Database } from '@sgp/service-kit/database';
import { newId, newSecret } from '@sgp/service-kit/ids';
import { AppError } from '@sgp/shared/errors';
import { limits } from '@sgp/shared/limits';
import { deviceUsername, parseDeviceUsername } from '@sgp/shared/topics';
import type { Actor, AuditStore } from '../audit/audit-store.ts';
import type { Blocks } from '../blocks/blocks.ts';
import type { Say } from '../streams/say.ts';
import type { MachineNames, MachineStore, RegisteredMachine } from './machine-store.ts';
import { createMachineStream } from './machine-stream.ts';

/** The machines of the shop, held in memory as well because every floor message asks for one. */
export type MachineRegistry = {
  /** In the order of their names. */
  list(): readonly RegisteredMachine[];
  /** @throws AppError NOT_FOUND */
  get(machineId: string): RegisteredMachine;
  find(machineId: string): RegisteredMachine | undefined;
  bySlug(slug: string): string | undefined;
  byUsername(username: string): string | undefined;
  /** @throws AppError ALREADY_EXISTS · BODY_INVALID when the shop has too many */
  create(names: MachineNames & { readonly slug: string }, actor: Actor): Promise<WithSecret>;
  rename(machineId: string, names: Partial<MachineNames>, actor: Actor): Promise<RegisteredMachine>;
  /** Replaces the secret at once; also for a machine whose credential was revoked. */
  rotate(machineId: string, actor: Actor): Promise<WithSecret>;
  revoke(machineId: string, actor: Actor): Promise<RegisteredMachine>;
};
/** The secret is given once, here; only its hash is kept. */
export type WithSecret = { readonly machine: RegisteredMachine; readonly secret: string };

export async function openRegistry(deps: {
  readonly db: Database;
  readonly store: MachineStore;
  readonly audit: Pick<AuditStore, 'append'>;
  readonly est: string;
  readonly say: Say;
  readonly blocks: Pick<Blocks, 'mustBeFree'>;
}): Promise<MachineRegistry> {
  const { db, store, audit, est } = deps;
  const tell = createMachineStream(deps.say);
  const machines = new Map<string, RegisteredMachine>();
  const slugs = new Map<string, string>();
  const remember = (machine: RegisteredMachine): RegisteredMachine => {
    machines.set(machine.machineId, machine);
    slugs.set(machine.slug, machine.machineId);
    return machine;
  };
  for (const machine of await store.list()) remember(machine);

  const get = (machineId: string): RegisteredMachine => {
    const machine = machines.get(machineId);
    if (!machine) throw new AppError('NOT_FOUND', 'No machine has this id.');
    return machine;
  };
  const write = async (
    before: RegisteredMachine | null,
    after: RegisteredMachine,
    actor: Actor,
    action: string,
    change: (tx: Database) => Promise<void>,
  ): Promise<RegisteredMachine> => {
    await db.transaction(async (transaction) => {
      const tx = transaction as unknown as Database;
      await change(tx);
      await audit.append(tx, {
        at: Date.now(),
        actor,
        entity: 'machine',
        entityId: after.machineId,
        action,
        summary: { name: after.name },
        before: before ?? {},
        after,
      });
    });
    return remember(after);
  };
  return {
    list: () => [...machines.values()].sort((a, b) => a.name.localeCompare(b.name, 'pt-BR')),
    get,
    find: (machineId) => machines.get(machineId),
    bySlug: (slug) => slugs.get(slug),
    byUsername(username) {
      const parsed = parseDeviceUsername(username);
      return parsed?.est === est ? slugs.get(parsed.device) : undefined;
    },
    async create(names, actor) {
      if (slugs.has(names.slug)) throw alreadyExists(names.slug);
      if (machines.size >= limits.machinesMax)
        throw new AppError(
          'BODY_INVALID',
          `The shop has ${limits.machinesMax} machines, which is the most it can have.`,
        );
      const secret = newSecret();
      const credential = { createdAt: Date.now(), rotatedAt: null, revokedAt: null };
      const machine = { machineId: newId(), ...names, credential };
      try {
        await write(null, machine, actor, 'created', async (tx) => {
          await store.insert(tx, machine, sha256Hex(secret));
          await tell(tx, machine.machineId);
        });
      } catch (error) {
        // Two browsers at once: the second finds the name taken only in the database.
        if ((await store.list()).some(({ slug }) => slug === names.slug)) throw alreadyExists(names.slug, error);
        throw error;
      }
      return { machine, secret };
    },
    rename(machineId, names, actor) {
      const before = get(machineId);
      const after = { ...before, ...names };
      return write(before, after, actor, 'renamed', async (tx) => {
        await store.rename(tx, machineId, names);
        await tell(tx, machineId);
      });
    },
    async rotate(machineId, actor) {
      const before = get(machineId);
      const secret = newSecret();
      const at = Date.now();
      const after = { ...before, credential: { ...before.credential, rotatedAt: at, revokedAt: null } };
      const machine = await write(before, after, actor, 'credential_replaced', async (tx) => {
        await deps.blocks.mustBeFree(tx, 'machine', machineId);
        await store.replaceSecret(tx, machineId, sha256Hex(secret), at);
      });
      return { machine, secret };
    },
    async revoke(machineId, actor) {
      const before = get(machineId);
      if (before.credential.revokedAt !== null) return before;
      const at = Date.now();
      const after = { ...before, credential: { ...before.credential, revokedAt: at } };
      return write(before, after, actor, 'credential_revoked', (tx) => store.revoke(tx, machineId, at));
    },
  };
}

/** The set as the broker takes it: user name and the hashes of its secrets. */
export const deviceCredentials = async (store: Pick<MachineStore, 'credentials'>, est: string) =>
  (await store.credentials()).map(({ slug, secretSha256 }) => ({
    username: deviceUsername(est, slug),
    secretSha256: [secretSha256],
  }));

const alreadyExists = (slug: string, cause?: unknown): AppError =>
  new AppError('ALREADY_EXISTS', `A machine with the short name '${slug}' exists already.`, {
    cause,
    details: { field: 'slug' },
  });
