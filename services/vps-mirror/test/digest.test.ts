import test from 'ava';
import { freshSqlite } from './support/databases.ts';
import { digestSuite } from './support/digest-suite.ts';

digestSuite(test, freshSqlite);
