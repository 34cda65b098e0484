import type { Clock } from '../../kernel/clock.ts';
import type { Exchange, Has } from '../../kernel/exchange.ts';
import type { Denial } from '../../kernel/reasons.ts';
import type { Stage } from '../../kernel/stage.ts';
import type { Policies } from '../../policies/policies.ts';

/** What the stage works with. */
export interface ConditionsDeps {
  readonly policies: () => Pick<Policies, 'judge'>;
  readonly clock: Clock;
}

/** Denies what the policies do not allow of a caller, though it was granted: after the model is known, for some are about it. */
export function createConditions(deps: ConditionsDeps): Stage<'peer' | 'principal' | 'route' | 'model'> {
  return { name: 'conditions', adds: [], decide: (x) => judge(x, x.model, deps) };
}

/** The same for what is about no model, or where it is named later. */
export function createRouteConditions(deps: ConditionsDeps): Stage<'peer' | 'principal' | 'route'> {
  return { name: 'conditions', adds: [], decide: (x) => judge(x, undefined, deps) };
}

const judge = (
  { principal, peer, route }: Exchange & Has<'peer' | 'principal' | 'route'>,
  model: string | undefined,
  { policies, clock }: ConditionsDeps,
): Denial | undefined =>
  policies().judge({ principal, address: peer.address, scope: route.scope, model, nowMs: clock.nowMs() });
