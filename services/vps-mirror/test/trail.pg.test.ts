import test from 'ava';
import { freshPostgres } from './support/databases.ts';
import { trailSuite } from './support/trail-suite.ts';

trailSuite(test, freshPostgres);
