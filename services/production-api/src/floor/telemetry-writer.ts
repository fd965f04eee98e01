import { type Database, isPostgres } from '@sgp/service-kit/database';
import { createPostgresWriter } from './postgres-writer.ts';
import { createSqliteWriter } from './sqlite-writer.ts';
import type { TelemetryWriter } from './telemetry-tx.ts';

export const createTelemetryWriter = (db: Database): TelemetryWriter =>
  isPostgres(db) ? createPostgresWriter(db) : createSqliteWriter(db);
