import test from 'ava';
import { freshPostgres } from './support/databases.ts';
import { streamsSuite } from './support/streams-suite.ts';

streamsSuite(test, freshPostgres);
