import { readFileSync } from 'node:fs';
import type * as z from 'zod';
import { apiKeyShown, apiKeyWithValue } from '../admin/api-key-schema.ts';
import { tenantShown } from '../admin/tenants.ts';
import { withAdmin, type AdminClient } from './admin-client.ts';
import { allKeys } from './keys.ts';
import { allTenants } from './tenants.ts';
import { parseAccessFile } from './apply/access-file.ts';
import { planOf, type Step } from './apply/plan.ts';
import { CommandError, UsageError, type Command } from './command.ts';
import { parseFlags } from './flags.ts';
import { json } from './text.ts';
import { expectWords } from './verbs.ts';

/** Tenants and keys as a file has them. */
export const apply: Command = {
  name: 'apply',
  summary: 'make tenants and keys what a file says, with a plan first',
  help: `sallyport apply -f FILE [--dry-run] [--json]

Brings tenants and API keys to what FILE (YAML) says, by name; what does not stand in it stays as it is, and what is
there already is left alone. Shows the plan first; --dry-run ends there. A new key's value is shown once.
FILE has tenants: [{ name, models, state }] and keys: [{ name, tenant, scopes, models, rpm, concurrency, expires,
allowIp, grant, cap, onBehalfOf, state }], by the names of the flags of "keys create"; never a value.

Example: sallyport apply -f access.yaml --dry-run`,
  async run(words, io) {
    const flags = parseFlags(
      words.map((word) => (word === '-f' ? '--file' : word)),
      { file: 'text', 'dry-run': 'flag' },
    );
    expectWords(flags, [], 'sallyport apply');
    const name = flags.text('file');
    if (name === undefined) throw new UsageError('-f FILE is missing: sallyport apply -f access.yaml');
    const file = parseAccessFile(read(name));
    return withAdmin(flags, io, async (client) => {
      const steps = planOf(file, { tenants: await allTenants(client), keys: await allKeys(client) }, Date.now());
      if (!flags.has('json')) io.out(report(steps));
      const made: MadeKey[] = [];
      let applied = false;
      try {
        if (!flags.has('dry-run')) {
          await carryOut(steps, client, (key, title) => {
            made.push(key);
            if (!flags.has('json')) io.out(shownOnce(key, title));
          });
          applied = true;
        }
      } finally {
        // Also where a later step failed: the keys before it are there, and nobody could ever learn their values.
        if (flags.has('json')) io.out(json({ applied, plan: steps.map(inPlan), keys: made }));
      }
      return 0;
    });
  },
};

function read(name: string): string {
  try {
    return readFileSync(name, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new CommandError(`${name} cannot be read (${code}).`);
  }
}

function report(steps: readonly Step[]): string {
  if (steps.length === 0) return 'Nothing to do: all is as the file says.\n';
  const line = ({ action, kind, name, fields }: Step) =>
    `${action.padEnd(8)}${kind.padEnd(8)}${name}${fields.length === 0 ? '' : `: ${fields.join(', ')}`}\n`;
  return steps.map(line).join('');
}

type MadeKey = z.output<typeof apiKeyWithValue>;

const shownOnce = ({ id, key }: MadeKey, title: string): string =>
  `\n${title}  ${id}  ${key}\nThe key is shown this once: keep it now.\n`;

const inPlan = ({ action, kind, name, fields }: Step) => ({ action, kind, name, fields });

/** Does one step after the other; each is whole by itself, so that a file can be applied again after a failure. */
async function carryOut(
  steps: readonly Step[],
  client: AdminClient,
  onKey: (key: MadeKey, title: string) => void,
): Promise<void> {
  for (const { action, kind, method, path, body, name } of steps) {
    const question = { method, path, ...(body === undefined ? {} : { body }) };
    try {
      if (action === 'create' && kind === 'key') onKey(await client.ask(question, apiKeyWithValue), name);
      else await client.ask(question, kind === 'tenant' ? tenantShown : apiKeyShown);
    } catch (error) {
      if (!(error instanceof CommandError || error instanceof UsageError)) throw error;
      const what = `${kind} ${name}: ${error.message}\nThe steps before this one were made: correct the file, and apply it again.`;
      throw error instanceof UsageError ? new UsageError(what) : new CommandError(what);
    }
  }
}
