import test from 'ava';
import { makePlan } from './plan.ts';
import { mutantNames, mutants } from './rules.ts';
import { simulate } from './simulate.ts';

/** The test of the test: each deliberate bug must break a law within so many seeds, which all pass without it. */
const seedsMax = 300;

for (const mutant of mutantNames)
  test(`the simulator notices when ${mutants[mutant]}`, (t) => {
    let seed = 1;
    while (seed <= seedsMax && simulate(makePlan(seed), mutant) === null) seed += 1;
    t.true(seed <= seedsMax, `not caught within ${seedsMax} seeds`);
    t.is(simulate(makePlan(seed)), null, `seed ${seed} passes without it`);
  });
