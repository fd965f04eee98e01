import type { Database } from '@sgp/service-kit/database';

export type MachineCredentialState = {
  readonly createdAt: number;
  readonly rotatedAt: number | null;
  readonly revokedAt: number | null;
};
export type RegisteredMachine = {
  readonly machineId: string;
  readonly slug: string;
  readonly name: string;
  readonly kind: string;
  readonly sector: string;
  readonly credential: MachineCredentialState;
};
export type MachineNames = Pick<RegisteredMachine, 'name' | 'kind' | 'sector'>;

/** Machines and the hash of each one's secret, in production.db. Times in milliseconds since 1970. */
export type MachineStore = {
  list(): Promise<readonly RegisteredMachine[]>;
  insert(tx: Database, machine: RegisteredMachine, secretSha256: string): Promise<void>;
  rename(tx: Database, machineId: string, names: Partial<MachineNames>): Promise<void>;
  /** A new secret takes the place of the old one at once, and ends a revocation. */
  replaceSecret(tx: Database, machineId: string, secretSha256: string, at: number): Promise<void>;
  revoke(tx: Database, machineId: string, at: number): Promise<void>;
  /** Every credential that is valid now. */
  credentials(): Promise<readonly { readonly slug: string; readonly secretSha256: string }[]>;
};

type Row = {
  readonly machine_id: string;
  readonly slug: string;
  readonly name: string;
  readonly kind: string;
  readonly sector: string;
  readonly created_at: number;
  readonly rotated_at: number | null;
  readonly revoked_at: number | null;
};

const toMachine = (row: Row): RegisteredMachine => ({
  machineId: row.machine_id,
  slug: row.slug,
  name: row.name,
  kind: row.kind,
  sector: row.sector,
  credential: { createdAt: row.created_at, rotatedAt: row.rotated_at, revokedAt: row.revoked_at },
});

export const createMachineStore = (db: Database): MachineStore => ({
  async list() {
    const rows: Row[] = await db('machines as m')
      .join('machine_credentials as c', 'c.machine_id', 'm.machine_id')
      .select('m.machine_id', 'm.slug', 'm.name', 'm.kind', 'm.sector', 'c.created_at', 'c.rotated_at', 'c.revoked_at');
    return rows.map(toMachine);
  },
  async insert(tx, { machineId, slug, name, kind, sector, credential }, secretSha256) {
    const at = credential.createdAt;
    await tx('machines').insert({ machine_id: machineId, slug, name, kind, sector, created_at: at });
    await tx('machine_credentials').insert({ machine_id: machineId, secret_sha256: secretSha256, created_at: at });
  },
  async rename(tx, machineId, names) {
    if (Object.keys(names).length > 0) await tx('machines').where({ machine_id: machineId }).update(names);
  },
  async replaceSecret(tx, machineId, secretSha256, at) {
    await tx('machine_credentials')
      .where({ machine_id: machineId })
      .update({ secret_sha256: secretSha256, rotated_at: at, revoked_at: null });
  },
  async revoke(tx, machineId, at) {
    await tx('machine_credentials').where({ machine_id: machineId }).whereNull('revoked_at').update({ revoked_at: at });
  },
  async credentials() {
    const rows: { slug: string; secret_sha256: string }[] = await db('machines as m')
      .join('machine_credentials as c', 'c.machine_id', 'm.machine_id')
      .whereNull('c.revoked_at')
      .select('m.slug', 'c.secret_sha256');
    return rows.map(({ slug, secret_sha256 }) => ({ slug, secretSha256: secret_sha256 }));
  },
});
