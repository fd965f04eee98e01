import test from 'ava';
import { freshSqlite } from './support/databases.ts';
import { trackingSuite } from './support/tracking-suite.ts';

trackingSuite(test, freshSqlite);
