import test from 'ava';
import { freshSqlite } from './support/databases.ts';
import { pushSuite } from './support/push-suite.ts';

pushSuite(test, freshSqlite);
