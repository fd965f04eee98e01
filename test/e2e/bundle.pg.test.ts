import test from 'ava';
import { freshPostgres } from '../../services/vps-mirror/test/support/databases.ts';
import { bundleSuite } from './support/bundle-suite.ts';

bundleSuite(test, freshPostgres);
