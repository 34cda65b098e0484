import * as z from 'zod';
import { principalOf } from '../directory/credentials.ts';
import { createRights, type Rights } from '../directory/rights.ts';
import type { Principal, TokenFacts } from '../kernel/exchange.ts';
import { choice, list, text } from '../kernel/option.ts';
import { SCOPES } from '../kernel/scope.ts';
import { parseDurationMs } from '../kernel/units.ts';
import { createPolicies, type Policies } from '../policies/policies.ts';
import { DURATION_HINT, isDuration } from '../policies/duration.ts';
import { isAddress } from '../wire/address.ts';
import { operation, type Operation } from './operation.ts';
import type { AdminDeps } from './ports.ts';

const word = (what: string) => text(`Give ${what}.`, (value) => value.length <= 256);

/** A token as a case describes it. */
const token = z.strictObject({
  issuer: word('the issuer').prefault('https://issuer.example.org'),
  subject: word('the subject').prefault('somebody'),
  client: word('the id of a client').optional(),
  age: text(DURATION_HINT, isDuration).optional().describe('Since it was issued; left out, it does not say.'),
  acr: word('a value of acr').optional(),
  authenticationAge: text(DURATION_HINT, isDuration).optional(),
  binding: choice('none', 'dpop', 'mtls').prefault('none'),
  tenant: word('the name of a tenant').prefault('default'),
  groups: list(word('the name of a group')).prefault([]),
});

const aCase = z
  .strictObject({
    name: word('a name').describe('What the case shows.'),
    expect: choice('allow', 'deny'),
    key: word('the id of an API key').optional(),
    token: token.optional(),
    address: text('Give an address.', isAddress).prefault('192.0.2.1'),
    scope: choice(...SCOPES).prefault('inference:chat'),
    model: word('the name of a model').optional(),
    at: z.iso.datetime({ offset: true, error: 'Give a time such as 2030-01-31T09:00:00Z.' }).optional(),
  })
  .refine((one) => (one.key === undefined) !== (one.token === undefined), {
    error: 'Give either key, the id of an API key, or token.',
  });

const wish = z.strictObject({
  cases: z.array(aCase, { error: 'Give a list of cases.' }).min(1, { error: 'Give at least one case.' }).max(1000),
});

const result = z.strictObject({
  ok: z.boolean(),
  results: z.array(
    z.strictObject({
      name: z.string(),
      ok: z.boolean(),
      expected: z.enum(['allow', 'deny']),
      got: z.enum(['allow', 'deny']),
      code: z.string().nullable(),
      message: z.string().nullable(),
    }),
  ),
});

/** What came of the cases. */
export const policyTestResult = result;

/** The schemas of this operation. */
export const policyTestSchemas = { PolicyTest: wish, PolicyTestResult: result };

type Case = z.output<typeof aCase>;

/** Judges cases by the policies as they are now; nothing is sent or spent. */
export function policyTestOperation(deps: AdminDeps): Operation {
  return operation({
    id: 'testPolicies',
    method: 'POST',
    path: '/policies/test',
    scope: 'admin:read',
    summary: 'Judge cases by the policies as they are now: which are allowed, and which are denied by which policy.',
    status: 200,
    body: wish,
    response: result,
    example: {
      ok: true,
      results: [
        {
          name: 'at night',
          ok: true,
          expected: 'deny',
          got: 'deny',
          code: 'condition_failed',
          message: 'The policy …',
        },
      ],
    },
    handle({ body: { cases } }) {
      // Made once: a thousand cases would else read every policy a thousand times, and hold up all that this thread does.
      const policies = createPolicies([...deps.directory.policies.values()]);
      const rights = createRights([...deps.directory.roles.values()], [...deps.directory.groups.values()]);
      const results = cases.map((one) => judged(one, policies, rights, deps));
      return { value: { ok: results.every(({ ok }) => ok), results } };
    },
  });
}

function judged(one: Case, policies: Policies, rights: Rights, deps: AdminDeps) {
  const nowMs = one.at === undefined ? deps.clock.nowMs() : Date.parse(one.at);
  const principal = principalIn(one, nowMs, rights, deps);
  const asked = { address: one.address, scope: one.scope, model: one.model, nowMs };
  const denial =
    principal === undefined
      ? { code: 'unknown_object', message: 'There is no such API key.' }
      : policies.judge({ principal, ...asked });
  const got = denial === undefined ? 'allow' : 'deny';
  // A key that is not there is a slip of the case, not what it wanted to see.
  const ok = principal !== undefined && got === one.expect;
  return {
    name: one.name,
    ok,
    expected: one.expect,
    got,
    code: denial?.code ?? null,
    message: denial?.message ?? null,
  } as const;
}

function principalIn(
  { key, token: given }: Case,
  nowMs: number,
  rights: Rights,
  { directory }: AdminDeps,
): Principal | undefined {
  if (given === undefined) {
    const record = directory.apiKeys.get(key ?? '');
    if (record === undefined || record.state === 'deleted') return undefined;
    return principalOf(record, directory.tenants.get(record.tenant), rights);
  }
  const ago = (age: string | undefined) => (age === undefined ? undefined : nowMs - (parseDurationMs(age) ?? 0));
  const facts: TokenFacts = {
    issuer: given.issuer,
    subject: given.subject,
    clientId: given.client,
    tokenHash: '',
    issuedAtMs: ago(given.age),
    expiresAtMs: Infinity,
    binding: given.binding,
    acr: given.acr,
    amr: [],
    authenticatedAtMs: ago(given.authenticationAge),
    grantId: undefined,
    sessionId: undefined,
  };
  const held = rights.of({ roles: [], groups: given.groups }, given.tenant);
  return {
    id: `token:${facts.issuer} ${facts.subject}`,
    keyId: undefined,
    token: facts,
    owner: undefined,
    marks: [],
    tenant: given.tenant,
    roles: held.roles,
    groups: held.groups,
    scopes: new Set(held.scopes),
    models: new Set(held.models),
    limits: {},
    pools: [],
    grants: new Set(),
    caps: {},
    onBehalfOf: undefined,
    member: undefined,
  };
}
