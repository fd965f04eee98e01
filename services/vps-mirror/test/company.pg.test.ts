import test from 'ava';
import { companySuite } from './support/company-suite.ts';
import { freshPostgres } from './support/databases.ts';

companySuite(test, freshPostgres);
