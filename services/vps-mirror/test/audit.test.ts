import test from 'ava';
import { auditSuite } from './support/audit-suite.ts';
import { freshSqlite } from './support/databases.ts';

auditSuite(test, freshSqlite);
