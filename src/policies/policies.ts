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
  let { denying, requiring } = compiled(byName.values());
  return {
    judge(situation) {
      if (denying.length === 0 && requiring.length === 0) return undefined;
      return deniedBy(denying, situation) ?? unmetOf(requiring, situation);
    },
    apply(changes) {
      const own = changes.filter((change) => change.kind === 'policy');
      if (own.length === 0) return;
      for (const { record } of own) byName.set(record.id, record);
      ({ denying, requiring } = compiled(byName.values()));
    },
  };
}

interface Compiled {
  readonly record: PolicyRecord;
  readonly isAbout: (situation: Situation) => boolean;
  readonly conditions: readonly CompiledCondition[];
}

interface CompiledCondition {
  readonly name: keyof Conditions;
  readonly holds: Holds;
  readonly wants: string;
}

function compiled(records: Iterable<PolicyRecord>) {
  const active = [...records].filter(({ state }) => state === 'active').map(compile);
  return {
    denying: active.filter(({ record }) => record.effect === 'deny'),
    requiring: active.filter(({ record }) => record.effect === 'require'),
  };
}

function compile(record: PolicyRecord): Compiled {
  const names = Object.keys(conditionKinds) as (keyof Conditions)[];
  const conditions = names.flatMap((name) => compiledCondition(name, record.conditions) ?? []);
  return { record, isAbout: matcherOf(record.target), conditions };
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

/** Whether a policy is about a request: each list that is not empty has one of its items in it. */
function matcherOf(target: PolicyTarget): (situation: Situation) => boolean {
  const tests: ((situation: Situation) => boolean)[] = [];
  const add = (wanted: readonly string[], of: (situation: Situation) => readonly (string | undefined)[]): void => {
    if (wanted.length === 0) return;
    const names = new Set(wanted);
    tests.push((situation) => of(situation).some((one) => one !== undefined && names.has(one)));
  };
  add(target.tenants, ({ principal }) => [principal.tenant]);
  add(target.groups, ({ principal }) => principal.groups);
  add(target.roles, ({ principal }) => principal.roles);
  add(target.keys, ({ principal }) => [principal.keyId]);
  add(target.users, ({ principal }) => [personOf(principal)]);
  add(target.issuers, ({ principal }) => [principal.token?.issuer]);
  add(target.scopes, ({ scope }) => [scope]);
  add(target.models, ({ model }) => [model]);
  return (situation) => tests.every((test) => test(situation));
}

const personOf = ({ token, owner }: Principal): string | undefined => token?.subject ?? owner;

function deniedBy(denying: readonly Compiled[], situation: Situation): Denial | undefined {
  const found = denying.find(
    ({ isAbout, conditions }) =>
      isAbout(situation) &&
      // What the credential does not say counts as if it were what is denied.
      conditions.every(({ holds }) => holds(situation) !== false),
  );
  if (found === undefined) return undefined;
  const { id } = found.record;
  return deny('condition_failed', { message: `The policy ${id} denies this. Ask the operator.`, why: id });
}

function unmetOf(requiring: readonly Compiled[], situation: Situation): Denial | undefined {
  const unmet = requiring
    .filter(({ isAbout }) => isAbout(situation))
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
