import test from 'ava';
import { freshPostgres } from './support/databases.ts';
import { pushSuite } from './support/push-suite.ts';

pushSuite(test, freshPostgres);
