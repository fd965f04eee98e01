import test from 'ava';
import { freshPostgres } from './support/fresh-databases.ts';
import { inboxContract } from './support/inbox-contract.ts';

inboxContract(test, 'PostgreSQL', freshPostgres, 5);
