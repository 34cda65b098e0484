import type { LimitsConfig } from './config.ts';
import type { PlanOptions } from './plan.ts';

/** The options of the plan from those of the configuration. */
export function planOptionsOf({ default: defaults, rules }: LimitsConfig): PlanOptions {
  const { requestsPerMinute, tokensPerMinute, concurrency, budget } = defaults;
  const { tokens, per } = budget;
  return {
    defaults: {
      requestsPerMinute,
      tokensPerMinute,
      concurrency,
      budget: tokens === 'none' ? 'none' : { tokens, per },
    },
    rules,
  };
}
