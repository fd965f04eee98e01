import test from 'ava';
import { freshSqlite } from '../../services/vps-mirror/test/support/databases.ts';
import { bundleSuite } from './support/bundle-suite.ts';

bundleSuite(test, freshSqlite);
