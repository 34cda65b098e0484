import type { ReasonCode } from '../kernel/reasons.ts';

/** What a refusal says of somebody who feels for what is let through. What happens to honest clients weighs little. */
const WEIGHTS: { readonly [code in ReasonCode]?: number } = {
  advisory_blocked: 3,
  prompt_denied: 2,
  duplicate_key: 2,
  invalid_encoding: 2,
  forbidden_field: 1,
  unknown_field: 1,
  invalid_json: 0.5,
  invalid_field: 0.5,
  model_not_allowed: 1,
  insufficient_scope: 1,
  unknown_response: 1,
  value_out_of_range: 0.5,
  unsupported_media_type: 0.5,
};

/** Weight of a refusal as a sign of probing; 0 for all others. */
export const denialWeight = (code: ReasonCode): number => WEIGHTS[code] ?? 0;

/** What honest clients hardly ever meet. */
const GUARDED: ReadonlySet<ReasonCode> = new Set([
  'advisory_blocked',
  'prompt_denied',
  'duplicate_key',
  'invalid_encoding',
]);

/** Whether a guard, an advisory or the strict reading of the body refused. */
export const isGuardDenial = (code: ReasonCode): boolean => GUARDED.has(code);

/** Whether a request asked for what is no open route. */
export const isRouteDenial = (code: ReasonCode | undefined): boolean =>
  code === 'unknown_route' || code === 'route_closed' || code === 'method_not_allowed';
