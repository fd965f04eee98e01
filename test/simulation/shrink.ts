import type { Plan, Step } from './plan.ts';

/**
 * The smallest part of a failing plan that this finds to fail still (delta debugging, Zeller 1999): parts of the steps are
 * left out, ever smaller ones, as long as the rest fails.
 * @param fails runs a plan
 * @param triesMax runs that it may take
 */
export function shrink(plan: Plan, fails: (plan: Plan) => boolean, triesMax = 400): Plan {
  let steps: readonly Step[] = plan.steps;
  let tries = 0;
  for (let size = Math.ceil(steps.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < steps.length && tries < triesMax; ) {
      const rest = [...steps.slice(0, at), ...steps.slice(at + size)];
      tries += 1;
      if (fails({ ...plan, steps: rest })) steps = rest;
      else at += size;
    }
  }
  return { ...plan, steps };
}
