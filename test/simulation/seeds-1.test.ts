import test from 'ava';
import { makePlan } from './plan.ts';
import { simulate } from './simulate.ts';

test('whatever breaks, after the heal every law holds: seeds 1 to 500', (t) => {
  for (let seed = 1; seed <= 500; seed += 1) {
    const broken = simulate(makePlan(seed));
    if (broken !== null) t.fail(`npm run simulate -- --seed ${seed}: ${broken}`);
  }
  t.pass();
});
