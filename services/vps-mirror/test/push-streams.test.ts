import test from 'ava';
import { freshSqlite } from './support/databases.ts';
import { streamsSuite } from './support/streams-suite.ts';

streamsSuite(test, freshSqlite);
