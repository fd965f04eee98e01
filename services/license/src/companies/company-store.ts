import type { Database } from '@sgp/service-kit/database';
import type { companySchema, establishmentSchema } from '@sgp/shared/api/licensing';
import type * as z from 'zod';

export type Company = z.infer<typeof companySchema>;
export type Establishment = z.infer<typeof establishmentSchema>;
/** What its owner agreed to: `paidUntil` in ms since 1970, null when the contract has no end. */
export type Contract = { readonly plan: string; readonly paidUntil: number | null };

export type CompanyStore = {
  addCompany(company: Company): Promise<void>;
  findCompany(companyId: string): Promise<Company | undefined>;
  /** False: the company has an establishment of this slug. */
  addEstablishment(establishment: Establishment, contract: Contract): Promise<boolean>;
  findEstablishment(
    establishmentId: string,
  ): Promise<
    { readonly company: Company; readonly establishment: Establishment; readonly contract: Contract } | undefined
  >;
};

export function createCompanyStore(db: Database): CompanyStore {
  return {
    async addCompany(company) {
      await db('companies').insert({
        company_id: company.companyId,
        name: company.name,
        created_at: company.createdAt,
      });
    },
    async findCompany(companyId) {
      const row = await db('companies').where({ company_id: companyId }).first();
      return row && toCompany(row);
    },
    async addEstablishment(establishment, contract) {
      const added = await db('establishments')
        .insert({
          establishment_id: establishment.establishmentId,
          company_id: establishment.companyId,
          name: establishment.name,
          slug: establishment.slug,
          time_zone: establishment.timeZone,
          plan: contract.plan,
          paid_until: contract.paidUntil,
          created_at: establishment.createdAt,
        })
        .onConflict(['company_id', 'slug'])
        .ignore()
        .returning('establishment_id');
      return added.length === 1;
    },
    async findEstablishment(establishmentId) {
      const row = await db('establishments').where({ establishment_id: establishmentId }).first();
      if (!row) return undefined;
      const company = await db('companies').where({ company_id: row.company_id }).first();
      return {
        company: toCompany(company),
        establishment: toEstablishment(row),
        contract: { plan: row.plan, paidUntil: row.paid_until },
      };
    },
  };
}

type CompanyRow = { readonly company_id: string; readonly name: string; readonly created_at: number };
type EstablishmentRow = CompanyRow & {
  readonly establishment_id: string;
  readonly slug: string;
  readonly time_zone: string;
};

const toCompany = (row: CompanyRow): Company => ({
  companyId: row.company_id,
  name: row.name,
  createdAt: row.created_at,
});

const toEstablishment = (row: EstablishmentRow): Establishment => ({
  establishmentId: row.establishment_id,
  companyId: row.company_id,
  name: row.name,
  slug: row.slug,
  timeZone: row.time_zone,
  createdAt: row.created_at,
});
