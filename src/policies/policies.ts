import type { Conditions, PolicyRecord, PolicyTarget, RecordChange } from '../directory/records.ts';
import type { Principal } from '../kernel/exchange.ts';
import { deny, type Denial } from '../kernel/reasons.ts';
import { parseDurationMs } from '../kernel/units.ts';
import type { Holds, Situation } from './condition.ts';
import { conditionKinds } from './conditions/index.ts';

/** The policies, as one thread knows them. */
export interface Policies {
  /** Why what is asked for is denied. A policy that denies wins over all that is granted and all that is met. */
  judge(situation: Situation): Denial | undefined;
  apply(changes: readonly RecordChange[]): void;
}

/** @param records the snapshot to start from */
export function createPolicies(records: readonly PolicyRecord[]): Policies {
  const byName = new Map(records.map((record) => [record.id, record]));
  let all = compiled(byName.values());
  /** What is about a principal: the same objects come with each of its requests. */
  let known = new WeakMap<Principal, readonly Compiled[]>();

  function aboutPrincipal(principal: Principal): readonly Compiled[] {
    let own = known.get(principal);
    if (own === undefined) known.set(principal, (own = all.filter((one) => one.isAboutPrincipal(principal))));
    return own;
  }

  return {
    judge(situation) {
      if (all.length === 0) return undefined;
      const own = aboutPrincipal(situation.principal).filter((one) => one.isAboutRequest(situation));
      return own.length === 0 ? undefined : (deniedBy(own, situation) ?? unmetOf(own, situation));
    },
    apply(changes) {
      const own = changes.filter((change) => change.kind === 'policy');
      if (own.length === 0) return;
      for (const { record } of own) byName.set(record.id, record);
      all = compiled(byName.values());
      known = new WeakMap();
    },
  };
}

interface Compiled {
  readonly record: PolicyRecord;
  readonly isAboutPrincipal: (principal: Principal) => boolean;
  readonly isAboutRequest: (situation: Situation) => boolean;
  readonly conditions: readonly CompiledCondition[];
}

interface CompiledCondition {
  readonly name: keyof Conditions;
  readonly holds: Holds;
  readonly wants: string;
}

const compiled = (records: Iterable<PolicyRecord>): readonly Compiled[] =>
  [...records].filter(({ state }) => state === 'active').map(compile);

function compile(record: PolicyRecord): Compiled {
  const names = Object.keys(conditionKinds) as (keyof Conditions)[];
  const conditions = names.flatMap((name) => compiledCondition(name, record.conditions) ?? []);
  return { record, ...matchersOf(record.target), conditions };
}

function compiledCondition(name: keyof Conditions, conditions: Conditions): CompiledCondition | undefined {
  const value = conditions[name];
  if (value === undefined) return undefined;
  // The value is of the kind that its name says.
  const kind = conditionKinds[name] as AnyKind;
  return { name, holds: kind.compile(value), wants: kind.wants(value) };
}

interface AnyKind {
  compile(value: unknown): Holds;
  wants(value: unknown): string;
}

/** Whether a policy is about a principal, and about a request of it: each list that is not empty has one of its items in it. */
function matchersOf(target: PolicyTarget): Pick<Compiled, 'isAboutPrincipal' | 'isAboutRequest'> {
  const principal = testsOf<Principal>([
    [target.tenants, ({ tenant }) => [tenant]],
    [target.groups, ({ groups }) => groups],
    [target.roles, ({ roles }) => roles],
    [target.keys, ({ keyId }) => [keyId]],
    [target.users, (one) => [personOf(one)]],
    [target.issuers, ({ token }) => [token?.issuer]],
  ]);
  const request = testsOf<Situation>([
    [target.scopes, ({ scope }) => [scope]],
    // By whichever name a policy means it: who is denied one would ask for the other.
    [target.models, ({ model, aliases = [] }) => [model, ...aliases]],
  ]);
  return {
    isAboutPrincipal: (one) => principal.every((test) => test(one)),
    isAboutRequest: (one) => request.every((test) => test(one)),
  };
}

type NamesOf<One> = (one: One) => readonly (string | undefined)[];

const testsOf = <One>(rows: readonly (readonly [readonly string[], NamesOf<One>])[]) =>
  rows
    .filter(([wanted]) => wanted.length > 0)
    .map(([wanted, namesOf]) => {
      const names = new Set(wanted);
      return (one: One): boolean => namesOf(one).some((name) => name !== undefined && names.has(name));
    });

const personOf = ({ token, owner }: Principal): string | undefined => token?.subject ?? owner;

function deniedBy(policies: readonly Compiled[], situation: Situation): Denial | undefined {
  const found = policies.find(
    ({ record, conditions }) =>
      record.effect === 'deny' &&
      // What the credential does not say counts as if it were what is denied.
      conditions.every(({ holds }) => holds(situation) !== false),
  );
  if (found === undefined) return undefined;
  const { id } = found.record;
  return deny('condition_failed', { message: `The policy ${id} denies this. Ask the operator.`, why: id });
}

function unmetOf(policies: readonly Compiled[], situation: Situation): Denial | undefined {
  const unmet = policies
    .filter(({ record }) => record.effect === 'require')
    .flatMap(({ record, conditions }) =>
      conditions.filter(({ holds }) => holds(situation) !== true).map((condition) => ({ record, condition })),
    );
  const [first] = unmet;
  if (first === undefined) return undefined;
  const isOfSignIn = ({ name }: CompiledCondition): boolean => name === 'acr' || name === 'authenticationAge';
  const other = unmet.find(({ condition }) => !isOfSignIn(condition));
  const { record, condition } = other ?? first;
  const detail = { message: `The policy ${record.id} does not allow this: ${condition.wants}.`, why: record.id };
  // A new sign-in helps only where it is all that is missing, and where there is somebody who can sign in (RFC 9470 §3).
  if (other !== undefined || situation.principal.token === undefined) return deny('condition_failed', detail);
  const valuesOf = (name: 'acr' | 'authenticationAge') =>
    unmet.filter((one) => one.condition.name === name).map((one) => one.record.conditions[name]);
  const ages = valuesOf('authenticationAge').map((age) => Math.floor((parseDurationMs(String(age)) ?? 0) / 1000));
  return deny('insufficient_user_authentication', {
    ...detail,
    stepUp: {
      acrValues: [valuesOf('acr')[0] ?? []].flat(),
      maxAgeS: ages.length === 0 ? undefined : Math.min(...ages),
    },
  });
}
