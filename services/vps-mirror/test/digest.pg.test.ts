import test from 'ava';
import { freshPostgres } from './support/databases.ts';
import { digestSuite } from './support/digest-suite.ts';

digestSuite(test, freshPostgres);
