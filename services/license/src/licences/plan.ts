import type { LicenceClaims } from '@sgp/shared/api/licensing';

export const defaultPlan = 'standard';

/** What each plan allows. The limits are far above what a shop of the plan needs: they catch errors, not growth. */
const plans: Readonly<Record<string, Pick<LicenceClaims, 'features' | 'limits'>>> = {
  [defaultPlan]: {
    features: ['orders', 'machines', 'media', 'tracking'],
    limits: { users: 50, machines: 100, orders_month: 10_000 },
  },
};

/** @throws Error for a plan that is not in the list: the database holds only plans of this service */
export function planOf(name: string): Pick<LicenceClaims, 'features' | 'limits'> {
  const plan = plans[name];
  if (!plan) throw new Error(`The plan ${name} is not known.`);
  return plan;
}
