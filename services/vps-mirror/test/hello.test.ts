import test from 'ava';
import { freshSqlite } from './support/databases.ts';
import { helloSuite } from './support/hello-suite.ts';

helloSuite(test, freshSqlite);
