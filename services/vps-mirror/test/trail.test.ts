import test from 'ava';
import { freshSqlite } from './support/databases.ts';
import { trailSuite } from './support/trail-suite.ts';

trailSuite(test, freshSqlite);
