import * as z from 'zod';
import { nearest } from '../kernel/nearest.ts';
import { UnknownObject, withAdmin, type AdminClient } from './admin-client.ts';
import { CommandError, UsageError, type CommandIo } from './command.ts';
import type { FlagKinds, Flags } from './flags.ts';
import { LIMIT_FLAGS, limitFacts, limitFieldsOf } from './limit-flags.ts';
import { allPages } from './pages.ts';
import { json, listOf, pairs, table, present } from './text.ts';
import type { Verb } from './verbs.ts';

/** A kind of object whose id is its name: roles, groups, policies. */
export interface NamedObjects<Shown extends z.ZodType<{ readonly id: string }>> {
  /** The command, and the first segment of the paths. */
  readonly command: 'roles' | 'groups' | 'policies';
  readonly what: 'role' | 'group' | 'policy';
  readonly shown: Shown;
  readonly page: z.ZodType<{ readonly items: readonly z.output<Shown>[]; readonly next: string | null }>;
  /** Flags of create and edit. */
  readonly kinds: FlagKinds;
  /** The fields that these flags give. */
  readonly fieldsOf: (flags: Flags) => object;
  readonly heads: readonly string[];
  readonly row: (one: z.output<Shown>) => readonly string[];
  readonly facts: (one: z.output<Shown>) => readonly (readonly [string, string])[];
}

/** The verbs that such a kind has. */
export function namedVerbs<Shown extends z.ZodType<{ readonly id: string }>>(
  kind: NamedObjects<Shown>,
): readonly Verb[] {
  const { command, what, shown } = kind;
  const all = (client: AdminClient): Promise<readonly z.output<Shown>[]> => allPages(client, command, kind.page);

  function say(flags: Flags, io: CommandIo, one: z.output<Shown>, done: string | undefined): number {
    if (flags.has('json')) io.out(json(one));
    else io.out(done === undefined ? pairs(kind.facts(one)) : `${done} ${one.id}\n`);
    return 0;
  }

  /** Does something with the object that a command line names. */
  function onOne<Result>(flags: Flags, io: CommandIo, work: (client: AdminClient, path: string) => Promise<Result>) {
    const name = flags.words[0] ?? '';
    return withAdmin(flags, io, async (client) => {
      try {
        return await work(client, `/${command}/${encodeURIComponent(name)}`);
      } catch (error) {
        if (!(error instanceof UnknownObject)) throw error;
        const near = nearest(
          name,
          (await all(client)).map(({ id }) => id),
        );
        const hint = near === undefined ? `See: sallyport ${command} list` : `Did you mean ${near}?`;
        throw new CommandError(`There is no ${what} "${name}". ${hint}`);
      }
    });
  }

  return [
    {
      name: 'create',
      kinds: kind.kinds,
      words: ['NAME'],
      async run(flags, io) {
        const body = { name: flags.words[0], ...kind.fieldsOf(flags) };
        const made = await withAdmin(flags, io, (client) =>
          client.ask({ method: 'POST', path: `/${command}`, body }, shown),
        );
        return say(flags, io, made, 'created');
      },
    },
    {
      name: 'list',
      kinds: {},
      words: [],
      async run(flags, io) {
        const found = await withAdmin(flags, io, all);
        if (flags.has('json')) io.out(json(found));
        else if (found.length === 0) io.out(`There are no ${command}. Create one: sallyport ${command} create NAME\n`);
        else io.out(table([kind.heads, ...found.map(kind.row)]));
        return 0;
      },
    },
    {
      name: 'show',
      kinds: {},
      words: ['NAME'],
      run: async (flags, io) =>
        say(flags, io, await onOne(flags, io, (client, path) => client.ask({ method: 'GET', path }, shown)), undefined),
    },
    {
      name: 'edit',
      kinds: kind.kinds,
      words: ['NAME'],
      async run(flags, io) {
        const body = kind.fieldsOf(flags);
        if (Object.keys(body).length === 0)
          throw new UsageError('Nothing to change: give a flag of what is to change.');
        const edited = await onOne(flags, io, (client, path) => client.ask({ method: 'PATCH', path, body }, shown));
        return say(flags, io, edited, 'changed');
      },
    },
    {
      name: 'delete',
      kinds: {},
      words: ['NAME'],
      async run(flags, io) {
        await onOne(flags, io, (client, path) => client.ask({ method: 'DELETE', path }, z.undefined()));
        const [id] = flags.words;
        io.out(flags.has('json') ? json({ id, state: 'deleted' }) : `deleted ${id}\n`);
        return 0;
      },
    },
  ];
}

/** Flags of what a role or group gives. */
export const BUNDLE_FLAGS: FlagKinds = {
  scopes: 'list',
  models: 'list',
  grant: 'list',
  ...LIMIT_FLAGS,
};

/** The fields that they give. @throws UsageError */
export const bundleFieldsOf = (flags: Flags): object =>
  present({
    scopes: listOf(flags, 'scopes'),
    models: listOf(flags, 'models'),
    grants: listOf(flags, 'grant'),
    ...limitFieldsOf(flags),
  });

/** What a bundle gives, for people. */
export function bundleFacts(one: {
  readonly scopes: readonly string[];
  readonly models: readonly string[];
  readonly grants: readonly string[];
  readonly rpm: number | 'none' | null;
  readonly tpm: number | 'none' | null;
  readonly concurrency: number | 'none' | null;
  readonly budgetTokens: string | null;
}): (readonly [string, string])[] {
  return [
    ['scopes', one.scopes.join(',') || 'none'],
    ['models', one.models.includes('*') ? 'all of the tenant' : one.models.join(',') || 'none'],
    ['grants', one.grants.join(',') || 'none'],
    ...limitFacts(one),
  ];
}
