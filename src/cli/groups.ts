import { groupPage, groupShown } from '../admin/groups.ts';
import type { Command } from './command.ts';
import { BUNDLE_FLAGS, bundleFacts, bundleFieldsOf, namedVerbs } from './named-objects.ts';
import { POOL_FLAGS, poolFacts, poolFieldsOf } from './limit-flags.ts';
import { listOf, timeText, present } from './text.ts';
import { runVerb, type Verb } from './verbs.ts';

/** Groups. */
export const groups: Command = {
  name: 'groups',
  summary: 'create, list, show, edit and delete groups of keys, clients, people and tokens',
  help: `sallyport groups create|edit NAME [--tenant T] [--roles r1,r2] [--scopes a,b] [--models m1,m2]
                             [--grant fields:beam-search…] [--rpm N|none] [--tpm N|none] [--concurrency N|none]
                             [--budget-tokens N/day|none] [--pool-rpm N] [--pool-tpm N] [--pool-concurrency N]
                             [--pool-budget-tokens N/day] [--json]
sallyport groups list [--json]
sallyport groups show|delete NAME [--json]

Members have what a group and its roles give: keys, clients and people that were put into it with --groups, and tokens of
an issuer whose groupsClaim names it. A token that names scopes of this gateway keeps to these; one that names none has
those of its groups. --rpm, --tpm, --concurrency and --budget-tokens hold for each member that has none
of its own, those with --pool for all members together. With --tenant a group counts for that tenant's members alone. A change holds from the next request
on; tokens that this gateway has issued to members end, and are got anew.

Example: sallyport groups create staff --roles chat-user`,
  run: (words, io) => runVerb('groups', VERBS, [], words, io),
};

const VERBS: readonly Verb[] = namedVerbs({
  command: 'groups',
  what: 'group',
  shown: groupShown,
  page: groupPage,
  kinds: { tenant: 'text', roles: 'list', ...BUNDLE_FLAGS, ...POOL_FLAGS },
  fieldsOf: (flags) => ({
    ...present({ tenant: flags.text('tenant'), roles: listOf(flags, 'roles') }),
    ...bundleFieldsOf(flags),
    ...poolFieldsOf(flags),
  }),
  heads: ['NAME', 'TENANT', 'ROLES', 'SCOPES', 'MODELS'],
  row: (one) => [one.id, one.tenant ?? 'all', one.roles.join(','), one.scopes.join(','), one.models.join(',')],
  facts: (one) => [
    ['name', one.id],
    ['tenant', one.tenant ?? 'all'],
    ['roles', one.roles.join(',') || 'none'],
    ...bundleFacts(one),
    ...poolFacts(one),
    ['created', timeText(one.createdAt, '')],
  ],
});
