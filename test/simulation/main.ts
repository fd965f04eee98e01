import { parseArgs } from 'node:util';
import { makePlan } from './plan.ts';
import { shrink } from './shrink.ts';
import { simulate } from './simulate.ts';

/** `npm run simulate`: 10,000 seeds, or `--seeds N`, or exactly one with `--seed N`. A failure prints what repeats it. */
const { values } = parseArgs({ options: { seeds: { type: 'string', default: '10000' }, seed: { type: 'string' } } });
const one = values.seed === undefined ? null : Number(values.seed);
const [first, last] = one === null ? [1, Number(values.seeds)] : [one, one];
const started = performance.now();
if (one !== null) for (const step of makePlan(one).steps) console.log(JSON.stringify(step));
for (let seed = first; seed <= last; seed += 1) {
  const broken = simulate(makePlan(seed));
  if (broken === null) continue;
  console.log(`seed ${seed}: ${broken}`);
  for (const step of shrink(makePlan(seed), (plan) => simulate(plan) === broken).steps)
    console.log(JSON.stringify(step));
  process.exitCode = 1;
  break;
}
console.log(`${process.exitCode ? 'FAILED' : 'ok'}, ${((performance.now() - started) / 1000).toFixed(1)} s`);
