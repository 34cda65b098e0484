import bodies from './recordings/canaries.json' with { type: 'json' };
import { jsonPlan, type AnswerPlan } from './plan.ts';

/** The header that tells a leak: no answer that a gateway may let through has it. */
export const CANARY_HEADER = 'x-simulator-canary';
/** What stands in the texts of a canary's body. */
export const CANARY_TEXT = 'SIMULATOR-CANARY';

const recorded: ReadonlyMap<string, object> = new Map(Object.entries(bodies));

/**
 * The answer of a route that is not simulated: a recorded body where there is one, in which every text that the model
 * would have made is the canary, and a canary alone elsewhere.
 *
 * @param route path of the route as the catalogue spells it
 */
export function canaryPlan(route: string): AnswerPlan {
  const body = recorded.get(route) ?? { canary: `${CANARY_TEXT}-${route}` };
  return jsonPlan(200, body, [CANARY_HEADER, route]);
}
