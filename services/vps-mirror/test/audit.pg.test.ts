import test from 'ava';
import { auditSuite } from './support/audit-suite.ts';
import { freshPostgres } from './support/databases.ts';

auditSuite(test, freshPostgres);
