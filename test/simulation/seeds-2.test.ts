import test from 'ava';
import { makePlan } from './plan.ts';
import { simulate } from './simulate.ts';

test('whatever breaks, after the heal every law holds: seeds 501 to 1000', (t) => {
  for (let seed = 501; seed <= 1000; seed += 1) {
    const broken = simulate(makePlan(seed));
    if (broken !== null) t.fail(`npm run simulate -- --seed ${seed}: ${broken}`);
  }
  t.pass();
});
