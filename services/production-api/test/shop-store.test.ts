import test from 'ava';
import { freshSqlite } from './support/fresh-databases.ts';
import { shopContract } from './support/shop-contract.ts';

shopContract(test, 'SQLite', freshSqlite);
