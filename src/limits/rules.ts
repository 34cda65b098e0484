import type { Principal } from '../kernel/exchange.ts';
import { MILLIONTHS, type Limit, type Per, type Unit } from './limit.ts';

/** What a rule counts by. */
export type Dimension = 'key' | 'tenant' | 'group' | 'member' | 'user' | 'client' | 'model' | 'address' | 'route';

/** A rule of `limits.rules`, already read. */
export interface Rule {
  readonly name: string;
  /** At least one. */
  readonly per: readonly Dimension[];
  readonly concurrency?: number | undefined;
  readonly streams?: number | undefined;
  readonly requests?: Amount | undefined;
  readonly tokens?: Amount | undefined;
  readonly inputTokens?: Amount | undefined;
  readonly outputTokens?: Amount | undefined;
  /** In units of the prices. */
  readonly cost?: Amount | undefined;
}

interface Amount {
  readonly amount: number;
  readonly per: Per;
}

/** What is known of a request: at first only who asks from where. */
export interface Asking {
  readonly principal: Principal;
  /** The IPv4 address, or the /64 of an IPv6 address. */
  readonly network: string;
  /** As vLLM serves it. */
  readonly model?: string | undefined;
  /** Class of the route: `chat`, `embeddings`, as in the scope that it needs. */
  readonly route?: string | undefined;
}

/** Whether a rule can be judged before the body is read. */
export const isEarly = ({ per }: Rule): boolean => !per.includes('model') && !per.includes('route');

/** The limits of a rule for one request: one set for each combination of what it counts by; none where it does not concern it. */
export function limitsOfRule(rule: Rule, asking: Asking): readonly Limit[] {
  return subjectsOf(rule, asking).flatMap((subject) => limitsFor(rule, subject));
}

function limitsFor(rule: Rule, subject: string): Limit[] {
  const limits: Limit[] = [];
  const add = (unit: Unit, max: number | undefined, per: Per | undefined): void => {
    if (max !== undefined) limits.push({ name: `${rule.name}.${unit}`, unit, max, per, subject });
  };
  add('concurrency', rule.concurrency, undefined);
  add('streams', rule.streams, undefined);
  add('requests', rule.requests?.amount, rule.requests?.per);
  add('tokens', rule.tokens?.amount, rule.tokens?.per);
  add('inputTokens', rule.inputTokens?.amount, rule.inputTokens?.per);
  add('outputTokens', rule.outputTokens?.amount, rule.outputTokens?.per);
  add('cost', rule.cost === undefined ? undefined : Math.round(rule.cost.amount * MILLIONTHS), rule.cost?.per);
  return limits;
}

/** As JSON, so that no two combinations are one text. */
function subjectsOf({ name, per }: Rule, asking: Asking): readonly string[] {
  let combinations: string[][] = [[name]];
  for (const dimension of per) {
    const values = valuesOf(dimension, asking);
    combinations = combinations.flatMap((before) => values.map((value) => [...before, value]));
  }
  return combinations.map((combination) => JSON.stringify(combination));
}

function valuesOf(dimension: Dimension, { principal, network, model, route }: Asking): readonly string[] {
  const { id, keyId, token, tenant, groups, member, owner } = principal;
  switch (dimension) {
    case 'key':
      // Whoever comes with a token has no key: it is counted as if it were one, else tokens would be a way around.
      return [keyId ?? id];
    case 'tenant':
      return [tenant];
    case 'group':
      // Of each tenant for itself: a tenant must not use up another one's by naming a group alike.
      return groups.map((group) => pair(tenant, group));
    case 'user':
      return [owner ?? (token === undefined ? id : pair(token.issuer, token.subject))];
    case 'member':
      return [member === undefined ? (owner ?? id) : pair(id, member)];
    case 'client':
      return [token?.clientId === undefined ? id : pair(token.issuer, token.clientId)];
    case 'model':
      return [model ?? ''];
    case 'address':
      return [network];
    case 'route':
      return [route ?? ''];
  }
}

/** As JSON, so that no two pairs are one text. */
const pair = (one: string, other: string): string => JSON.stringify([one, other]);
