import test from 'ava';
import { companySuite } from './support/company-suite.ts';
import { freshSqlite } from './support/databases.ts';

companySuite(test, freshSqlite);
