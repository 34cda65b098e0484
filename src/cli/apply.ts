import * as z from 'zod';
import { apiKeyWithValue } from '../admin/api-key-schema.ts';
import { groupPage } from '../admin/groups.ts';
import { clientPage, clientWithSecret } from '../admin/oauth-client-schema.ts';
import { policyPage } from '../admin/policies.ts';
import { rolePage } from '../admin/roles.ts';
import { withAdmin, type AdminClient } from './admin-client.ts';
import { allKeys } from './keys.ts';
import { allTenants } from './tenants.ts';
import { parseAccessFile } from './apply/access-file.ts';
import { planOf, type Step } from './apply/plan.ts';
import { CommandError, UsageError, type Command } from './command.ts';
import { parseFlags } from './flags.ts';
import { allPages } from './pages.ts';
import { json } from './text.ts';
import { expectWords } from './verbs.ts';
import { textOfFile } from './yaml-file.ts';

/** Tenants, roles, groups, policies, clients and keys as a file has them. */
export const apply: Command = {
  name: 'apply',
  summary: 'make tenants, groups, clients, keys and their like what a file says, with a plan first',
  help: `sallyport apply -f FILE [--dry-run] [--json]

Brings what is there to what FILE (YAML) says, by name; what does not stand in it stays as it is, and what is
there already is left alone. Shows the plan first; --dry-run ends there. Values of new keys and clients are shown once.
FILE has tenants: [{ name, models, allowIp, denyIp, state }], roles: […], groups: […], clients: […], keys: […] with the names of the flags
of their commands in camelCase, and a state: active, disabled or revoked; policies: [{ name, effect, target, conditions }].
Never a value.

Example: sallyport apply -f access.yaml --dry-run`,
  async run(words, io) {
    const flags = parseFlags(
      words.map((word) => (word === '-f' ? '--file' : word)),
      { file: 'text', 'dry-run': 'flag' },
    );
    expectWords(flags, [], 'sallyport apply');
    const name = flags.text('file');
    if (name === undefined) throw new UsageError('-f FILE is missing: sallyport apply -f access.yaml');
    const file = parseAccessFile(textOfFile(name));
    return withAdmin(flags, io, async (client) => {
      const access = {
        tenants: await allTenants(client),
        roles: await allPages(client, 'roles', rolePage),
        groups: await allPages(client, 'groups', groupPage),
        policies: await allPages(client, 'policies', policyPage),
        clients: await allPages(client, 'oauth-clients', clientPage),
        keys: await allKeys(client),
      };
      const steps = planOf(file, access, Date.now());
      if (!flags.has('json')) io.out(report(steps));
      const made = { keys: [] as MadeKey[], clients: [] as MadeClient[] };
      let applied = false;
      try {
        if (!flags.has('dry-run')) {
          await carryOut(steps, client, {
            key(key, title) {
              made.keys.push(key);
              if (!flags.has('json')) io.out(shownOnce(title, key.id, key.key, 'key'));
            },
            client(one, title) {
              made.clients.push(one);
              if (flags.has('json')) return;
              io.out(shownOnce(title, one.client_id, one.client_secret ?? 'without a secret', 'secret'));
            },
          });
          applied = true;
        }
      } finally {
        // Also where a later step failed: the keys before it are there, and nobody could ever learn their values.
        if (flags.has('json')) io.out(json({ applied, plan: steps.map(inPlan), ...made }));
      }
      return 0;
    });
  },
};

function report(steps: readonly Step[]): string {
  if (steps.length === 0) return 'Nothing to do: all is as the file says.\n';
  const line = ({ action, kind, name, fields }: Step) =>
    `${action.padEnd(8)}${kind.padEnd(8)}${name}${fields.length === 0 ? '' : `: ${fields.join(', ')}`}\n`;
  return steps.map(line).join('');
}

type MadeKey = z.output<typeof apiKeyWithValue>;
type MadeClient = z.output<typeof clientWithSecret>;

const shownOnce = (title: string, id: string, value: string, what: string): string =>
  `\n${title}  ${id}  ${value}\nThe ${what} is shown this once: keep it now.\n`;

const inPlan = ({ action, kind, name, fields }: Step) => ({ action, kind, name, fields });

/** Does one step after the other; each is whole by itself, so that a file can be applied again after a failure. */
async function carryOut(
  steps: readonly Step[],
  client: AdminClient,
  on: {
    readonly key: (made: MadeKey, title: string) => void;
    readonly client: (made: MadeClient, title: string) => void;
  },
): Promise<void> {
  for (const { action, kind, method, path, body, name } of steps) {
    const question = { method, path, ...(body === undefined ? {} : { body }) };
    try {
      if (action === 'create' && kind === 'key') on.key(await client.ask(question, apiKeyWithValue), name);
      else if (action === 'create' && kind === 'client') on.client(await client.ask(question, clientWithSecret), name);
      else await client.ask(question, z.unknown());
    } catch (error) {
      if (!(error instanceof CommandError || error instanceof UsageError)) throw error;
      const what = `${kind} ${name}: ${error.message}\nThe steps before this one were made: correct the file, and apply it again.`;
      throw error instanceof UsageError ? new UsageError(what) : new CommandError(what);
    }
  }
}
