import * as z from 'zod';
import type { Conditions, PolicyRecord, PolicyTarget } from '../directory/records.ts';
import { choice, list, text } from '../kernel/option.ts';
import { deny, type Denial } from '../kernel/reasons.ts';
import { conditionKinds } from '../policies/conditions/index.ts';
import { fields } from './api-key-schema.ts';
import { namedOperations } from './named.ts';
import type { Operation, Resource } from './operation.ts';
import { pageOf } from './page.ts';
import { policyTestOperation, policyTestSchemas } from './policy-tests.ts';
import type { AdminDeps } from './ports.ts';
import { plainName } from './roles.ts';

const some = (what: string) =>
  list(text(`Give ${what}.`, (value) => value.length <= 256)).max(256, { error: 'Give at most 256.' });

const target = z
  .strictObject({
    tenants: some('the name of a tenant').prefault([]),
    groups: some('the name of a group').prefault([]),
    roles: some('the name of a role').prefault([]),
    keys: some('the id of an API key').prefault([]),
    users: some('the id of a person, or the subject of a token').prefault([]),
    issuers: some('an issuer').prefault([]),
    scopes: z.union([z.tuple([]), fields.scopes]).prefault([]),
    models: some('the name of a model').prefault([]),
  })
  .describe('Whom and what it is about: every list that is not empty must match, by one of its items.');

/** The field of a kind of condition. */
function field<Name extends keyof Conditions>(name: Name): z.ZodType<NonNullable<Conditions[Name]>> {
  const { hint, accepts, isList, about } = conditionKinds[name];
  const one = text(hint, accepts);
  const all = list(one).min(1, { error: hint }).max(256, { error: 'Give at most 256.' });
  // The kind says which of the two its field is.
  return (isList ? all : one).describe(about) as unknown as z.ZodType<NonNullable<Conditions[Name]>>;
}

const conditions = z
  .strictObject({
    time: field('time'),
    addresses: field('addresses'),
    tokenAge: field('tokenAge'),
    acr: field('acr'),
    authenticationAge: field('authenticationAge'),
    clients: field('clients'),
    binding: field('binding'),
  })
  .partial()
  .describe('What must hold, all of it.');

const effect = choice('require', 'deny').describe(
  '`require`: what it is about is allowed only while all conditions hold; `deny`: it is denied while they do.',
);

const content = { effect, target: target.prefault({}), conditions: conditions.prefault({}) };

/** What a new policy is to be. */
export const policyWish = z.strictObject({
  name: plainName.refine((name) => name !== 'test', {
    error: 'This name is taken by the address of the tests: give another one.',
  }),
  ...content,
});
const policyEdit = z.strictObject({ effect, target, conditions }).partial();

/** A policy as the admin API shows it. */
export const policyShown = z.strictObject({
  id: z.string().describe('The name.'),
  name: z.string(),
  effect: z.enum(['require', 'deny']),
  target: z.record(z.string(), z.array(z.string())),
  conditions: z.record(z.string(), z.union([z.string(), z.array(z.string())])),
  createdAt: z.iso.datetime(),
  version: z.int(),
});

/** A page of policies. */
export const policyPage = pageOf(policyShown);

/** A policy for people. */
export type PolicyShown = z.output<typeof policyShown>;

/** Policies: when what was granted may be used. */
export const policies: Resource = {
  name: 'policies',
  schemas: {
    Policy: policyShown,
    PolicyPage: policyPage,
    PolicyWish: policyWish,
    PolicyEdit: policyEdit,
    ...policyTestSchemas,
  },
  operations: policyOperations,
};

function policyOperations(deps: AdminDeps): readonly Operation[] {
  return [
    policyTestOperation(deps),
    ...namedOperations(
      {
        path: 'policies',
        what: 'policy',
        title: 'Policy',
        records: deps.directory.policies,
        wish: policyWish,
        edit: policyEdit,
        shown: policyShown,
        page: policyPage,
        example: {
          id: 'office-hours',
          name: 'office-hours',
          effect: 'require',
          target: { groups: ['staff'] },
          conditions: { time: ['mon-fri 08:00-18:00 Europe/Berlin'] },
          createdAt: '2030-01-01T00:00:00.000Z',
          version: 1,
        },
        show: showPolicy,
        made({ name, ...rest }) {
          const made = fitting(rest);
          return 'code' in made ? made : { id: name, ...made };
        },
        changed: (record, edit) =>
          fitting({
            effect: edit.effect ?? record.effect,
            target: edit.target ?? record.target,
            conditions: edit.conditions ?? record.conditions,
          }),
        changesOf: (record, expectedVersion) => [{ kind: 'policy', record, expectedVersion }],
        effect: 'It holds from the next request on.',
      },
      deps,
    ),
  ];
}

type Content = Pick<PolicyRecord, 'effect' | 'target' | 'conditions'>;

/** Refuses what would do nothing, or shut everybody out by a slip. */
function fitting(policy: Content): Content | Denial {
  const hasConditions = Object.values(policy.conditions).some((one) => one !== undefined);
  const isAboutAll = Object.values(policy.target as unknown as Record<string, readonly string[]>).every(
    (one) => one.length === 0,
  );
  if (hasConditions || (policy.effect === 'deny' && !isAboutAll)) return policy;
  const message =
    policy.effect === 'require'
      ? 'A policy that requires nothing changes nothing: give a condition.'
      : 'This would deny everything to everybody: say whom or what it is about, or when.';
  return deny('invalid_field', { param: 'conditions', message });
}

function showPolicy(record: PolicyRecord): z.input<typeof policyShown> {
  const filled = Object.entries(record.target as unknown as Record<keyof PolicyTarget, readonly string[]>);
  return {
    id: record.id,
    name: record.id,
    effect: record.effect,
    target: Object.fromEntries(filled.filter(([, all]) => all.length > 0).map(([name, all]) => [name, [...all]])),
    conditions: Object.fromEntries(
      Object.entries(record.conditions).map(([name, value]) => [name, typeof value === 'string' ? value : [...value]]),
    ),
    createdAt: new Date(record.createdAtMs).toISOString(),
    version: record.version,
  };
}
