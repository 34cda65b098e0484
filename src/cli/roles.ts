import { rolePage, roleShown } from '../admin/roles.ts';
import type { Command } from './command.ts';
import { BUNDLE_FLAGS, bundleFacts, bundleFieldsOf, namedVerbs } from './named-objects.ts';
import { timeText } from './text.ts';
import { runVerb, type Verb } from './verbs.ts';

/** Roles. */
export const roles: Command = {
  name: 'roles',
  summary: 'create, list, show, edit and delete roles: rights under one name',
  help: `sallyport roles create|edit NAME [--scopes a,b] [--models m1,m2] [--grant fields:beam-search…] [--rpm N|none]
                            [--tpm N|none] [--concurrency N|none] [--budget-tokens N/day|none] [--json]
sallyport roles list [--json]
sallyport roles show|delete NAME [--json]

Keys (keys create --roles) and groups (groups create --roles) have what a role gives beside what is their own. A change
holds from the next request on. Limits of a role hold for each holder that has none of its own; of several the lowest.

Example: sallyport roles create chat-user --scopes inference:chat,models:read --models tiny --rpm 60`,
  run: (words, io) => runVerb('roles', VERBS, [], words, io),
};

const VERBS: readonly Verb[] = namedVerbs({
  command: 'roles',
  what: 'role',
  shown: roleShown,
  page: rolePage,
  kinds: BUNDLE_FLAGS,
  fieldsOf: bundleFieldsOf,
  heads: ['NAME', 'SCOPES', 'MODELS', 'CREATED'],
  row: (one) => [one.id, one.scopes.join(','), one.models.join(','), timeText(one.createdAt, '')],
  facts: (one) => [['name', one.id], ...bundleFacts(one), ['created', timeText(one.createdAt, '')]],
});
