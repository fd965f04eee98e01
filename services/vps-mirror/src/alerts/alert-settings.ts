import type { Database } from '@sgp/service-kit/database';
import type { AlertSettings } from '@sgp/shared/api/company';

export type StoredSettings = {
  readonly settings: AlertSettings;
  /** Which secret signs the company's webhooks, and since when another one did before. */
  readonly secretVersion: number;
  readonly rotatedAt: number | null;
};

const unset: StoredSettings = {
  settings: { webhookUrl: null, emails: [], language: 'pt-BR', timeZone: 'America/Sao_Paulo' },
  secretVersion: 1,
  rotatedAt: null,
};

export async function readSettings(db: Database, companyId: string): Promise<StoredSettings> {
  const row = await db('alert_settings').where({ company_id: companyId }).first();
  if (!row) return unset;
  return {
    settings: JSON.parse(row.doc) as AlertSettings,
    secretVersion: row.secret_version,
    rotatedAt: row.rotated_at,
  };
}

export async function writeSettings(
  db: Database,
  companyId: string,
  { settings, secretVersion, rotatedAt }: StoredSettings,
): Promise<void> {
  const row = { doc: JSON.stringify(settings), secret_version: secretVersion, rotated_at: rotatedAt };
  await db('alert_settings')
    .insert({ company_id: companyId, ...row })
    .onConflict('company_id')
    .merge();
}
