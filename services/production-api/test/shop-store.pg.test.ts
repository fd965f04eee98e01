import test from 'ava';
import { freshPostgres } from './support/fresh-databases.ts';
import { shopContract } from './support/shop-contract.ts';

shopContract(test, 'PostgreSQL', freshPostgres);
