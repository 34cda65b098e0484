import { policyTestResult } from '../admin/policy-tests.ts';
import { policyPage, policyShown } from '../admin/policies.ts';
import { withAdmin } from './admin-client.ts';
import type { Command, CommandIo } from './command.ts';
import type { Flags } from './flags.ts';
import { namedVerbs } from './named-objects.ts';
import { json, listOf, table, timeText, present } from './text.ts';
import { runVerb, type Verb } from './verbs.ts';
import { textOfFile, yamlValueOf } from './yaml-file.ts';

/** Policies. */
export const policies: Command = {
  name: 'policies',
  summary: 'say when what was granted may be used, and test it',
  help: `sallyport policies create|edit NAME --effect require|deny
       whom and what:  [--tenants …] [--groups …] [--roles …] [--keys ID…] [--users ID…] [--issuers URL…]
                       [--scopes …] [--models …]
       conditions:     [--time 'mon-fri 08:00-18:00 Europe/Berlin'] [--addresses CIDR…] [--token-age 5m] [--acr VALUE…]
                       [--authentication-age 1h] [--clients ID…] [--binding dpop,mtls] [--json]
sallyport policies list [--json]
sallyport policies show|delete NAME [--json]
sallyport policies test FILE [--json]

A policy is about requests that match every list it has, by one of its items; without lists about all. require: such a
request is allowed only while all conditions hold. deny: it is denied while they all do, whatever else allows it. What a
credential does not say counts against it. Somebody who only has to sign in anew is told so (RFC 9470).

FILE has cases: [{ name, expect: allow|deny, key: ID | token: { issuer, subject, client, age, acr, authenticationAge,
binding, tenant, groups }, address, scope, model, at }]; the exit code is 1 unless each comes out as expected.

Example: sallyport policies create office --effect require --groups staff --time 'mon-fri 08:00-18:00 Europe/Berlin'`,
  run: (words, io) => runVerb('policies', VERBS, [], words, io),
};

const TARGETS = ['tenants', 'groups', 'roles', 'keys', 'users', 'issuers', 'scopes', 'models'] as const;

const VERBS: readonly Verb[] = [
  { name: 'test', kinds: {}, words: ['FILE'], run: test },
  ...namedVerbs({
    command: 'policies',
    what: 'policy',
    shown: policyShown,
    page: policyPage,
    kinds: {
      effect: 'text',
      ...Object.fromEntries(TARGETS.map((name) => [name, 'list'] as const)),
      time: 'list',
      addresses: 'list',
      'token-age': 'text',
      acr: 'list',
      'authentication-age': 'text',
      clients: 'list',
      binding: 'list',
    },
    fieldsOf,
    heads: ['NAME', 'EFFECT', 'ABOUT', 'CONDITIONS'],
    row: (one) => [one.id, one.effect, shortOf(one.target) || 'all', shortOf(one.conditions) || 'none'],
    facts: (one) => [
      ['name', one.id],
      ['effect', one.effect],
      ...linesOf(one.target),
      ...linesOf(one.conditions),
      ['created', timeText(one.createdAt, '')],
    ],
  }),
];

function fieldsOf(flags: Flags): object {
  const target = present(Object.fromEntries(TARGETS.map((name) => [name, listOf(flags, name)])));
  const times = flags.list('time');
  const conditions = present({
    // Days have commas between them, so this one is not taken apart.
    time: times.length === 0 ? undefined : times,
    addresses: listOf(flags, 'addresses'),
    tokenAge: flags.text('token-age'),
    acr: listOf(flags, 'acr'),
    authenticationAge: flags.text('authentication-age'),
    clients: listOf(flags, 'clients'),
    binding: listOf(flags, 'binding'),
  });
  return {
    ...present({ effect: flags.text('effect') }),
    ...(Object.keys(target).length === 0 ? {} : { target }),
    ...(Object.keys(conditions).length === 0 ? {} : { conditions }),
  };
}

async function test(flags: Flags, io: CommandIo): Promise<number> {
  const body = yamlValueOf(textOfFile(flags.words[0] ?? ''));
  const { ok, results } = await withAdmin(flags, io, (client) =>
    client.ask({ method: 'POST', path: '/policies/test', body }, policyTestResult),
  );
  if (flags.has('json')) io.out(json({ ok, results }));
  else {
    const rows = results.map((one) => [
      one.ok ? 'ok' : 'WRONG',
      one.name,
      `expected ${one.expected}, got ${one.got}`,
      one.message ?? '',
    ]);
    io.out(table([['', 'CASE', 'RESULT', 'WHY'], ...rows]));
  }
  return ok ? 0 : 1;
}

type Shown = Readonly<Record<string, string | readonly string[]>>;

const linesOf = (fields: Shown): [string, string][] =>
  Object.entries(fields).map(([name, value]) => [name, [value].flat().join(', ')]);

const shortOf = (fields: Shown): string =>
  linesOf(fields)
    .map(([name, value]) => `${name}: ${value}`)
    .join('; ');
