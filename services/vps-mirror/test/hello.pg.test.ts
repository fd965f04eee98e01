import test from 'ava';
import { freshPostgres } from './support/databases.ts';
import { helloSuite } from './support/hello-suite.ts';

helloSuite(test, freshPostgres);
