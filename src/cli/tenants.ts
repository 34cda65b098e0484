import { tenantPage, tenantShown, type TenantShown } from '../admin/tenants.ts';
import { nearest } from '../kernel/nearest.ts';
import { UnknownObject, withAdmin, type AdminClient } from './admin-client.ts';
import { CommandError, UsageError, type Command, type CommandIo } from './command.ts';
import type { FlagKinds, Flags } from './flags.ts';
import { LIMIT_FLAGS, limitFacts, limitFieldsOf, POOL_FLAGS, poolFacts, poolFieldsOf } from './limit-flags.ts';
import { allPages } from './pages.ts';
import { json, listOf, pairs, table, timeText } from './text.ts';
import { runVerb, type Verb } from './verbs.ts';

/** Tenants. */
export const tenants: Command = {
  name: 'tenants',
  summary: 'create, edit, list, show, disable and enable tenants',
  help: `sallyport tenants create|edit NAME [--models m1,m2] [--rpm N|none] [--tpm N|none] [--concurrency N|none]
                              [--budget-tokens N/day|none] [--pool-rpm N] [--pool-tpm N] [--pool-concurrency N]
                              [--pool-budget-tokens N/day] [--json]
sallyport tenants list [--json]
sallyport tenants show|disable|enable NAME [--json]

A tenant keeps keys and their requests apart from others'; "default" exists from the start. With --models its keys may
be granted these models only. --rpm, --tpm, --concurrency and --budget-tokens hold for each of its keys that has none of
its own, those with --pool for all of them together. disable stops all its keys and ends what runs on them.

Example: sallyport tenants create acme --models tiny`,
  run: (words, io) => runVerb('tenants', VERBS, ['delete', 'revoke', 'rotate'], words, io),
};

const EDIT: FlagKinds = { models: 'list', ...LIMIT_FLAGS, ...POOL_FLAGS };

const VERBS: readonly Verb[] = [
  { name: 'create', kinds: { name: 'text', ...EDIT }, words: 'any', run: create },
  {
    name: 'edit',
    kinds: EDIT,
    words: ['NAME'],
    run: (flags, io) => onOne(flags, io, 'PATCH', '', 'changed', wishOf(flags)),
  },
  { name: 'list', kinds: {}, words: [], run: list },
  { name: 'show', kinds: {}, words: ['NAME'], run: (flags, io) => onOne(flags, io, 'GET', '', 'show') },
  { name: 'disable', kinds: {}, words: ['NAME'], run: (flags, io) => onOne(flags, io, 'POST', '/disable', 'disabled') },
  { name: 'enable', kinds: {}, words: ['NAME'], run: (flags, io) => onOne(flags, io, 'POST', '/enable', 'enabled') },
];

async function create(flags: Flags, io: CommandIo): Promise<number> {
  const name = nameOf(flags, 'create');
  const body = { name, ...wishOf(flags) };
  const made = await withAdmin(flags, io, (client) =>
    client.ask({ method: 'POST', path: '/tenants', body }, tenantShown),
  );
  io.out(flags.has('json') ? json(made) : `created ${made.id}\n`);
  return 0;
}

function wishOf(flags: Flags): object {
  const models = listOf(flags, 'models');
  return { ...(models === undefined ? {} : { models }), ...limitFieldsOf(flags), ...poolFieldsOf(flags) };
}

async function list(flags: Flags, io: CommandIo): Promise<number> {
  const all = await withAdmin(flags, io, allTenants);
  if (flags.has('json')) io.out(json(all));
  else {
    const rows = all.map((one) => [one.id, one.state, one.models.join(','), timeText(one.createdAt, '')]);
    io.out(table([['NAME', 'STATE', 'MODELS', 'CREATED'], ...rows]));
  }
  return 0;
}

async function onOne(
  flags: Flags,
  io: CommandIo,
  method: 'GET' | 'POST' | 'PATCH',
  action: string,
  done: string,
  body?: object,
): Promise<number> {
  const name = flags.words[0] ?? '';
  const path = `/tenants/${encodeURIComponent(name)}${action}`;
  const one = await withAdmin(flags, io, async (client) => {
    try {
      return await client.ask({ method, path, ...(body === undefined ? {} : { body }) }, tenantShown);
    } catch (error) {
      if (!(error instanceof UnknownObject)) throw error;
      const near = nearest(
        name,
        (await allTenants(client)).map(({ id }) => id),
      );
      const hint = near === undefined ? 'See: sallyport tenants list' : `Did you mean ${near}?`;
      throw new CommandError(`There is no tenant "${name}". ${hint}`);
    }
  });
  if (flags.has('json')) io.out(json(one));
  else if (method !== 'GET') io.out(`${done} ${one.id}\n`);
  else io.out(pairs(facts(one)));
  return 0;
}

/** Every tenant, page by page. */
export const allTenants = (client: AdminClient): Promise<readonly TenantShown[]> =>
  allPages(client, 'tenants', tenantPage);

/** `tenants create acme` and `tenants create --name acme`, as keys take their name. */
function nameOf(flags: Flags, verb: string): string {
  const names = [...flags.words, ...[flags.text('name') ?? []].flat()];
  const [name] = names;
  if (name === undefined || names.length > 1) throw new UsageError(`Give one name: sallyport tenants ${verb} NAME`);
  return name;
}

function facts(one: TenantShown): [string, string][] {
  return [
    ['name', one.id],
    ['state', one.state],
    ['models', one.models.includes('*') ? 'all' : one.models.join(',')],
    ...limitFacts(one),
    ...poolFacts(one),
    ['created', timeText(one.createdAt, '')],
  ];
}
