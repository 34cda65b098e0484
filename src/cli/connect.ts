import { existsSync } from 'node:fs';
import type * as z from 'zod';
import { openStateDir, stateDirOfService } from '../adapters/files/state-dir.ts';
import { apiKeyShown } from '../admin/api-key-schema.ts';
import { upstreamList, type UpstreamShown } from '../admin/upstreams.ts';
import { publicUrlOf, type Config } from '../config/schema.ts';
import { parseApiKey } from '../directory/api-key.ts';
import { nearest } from '../kernel/nearest.ts';
import { askOne, withAdmin, type AdminClient } from './admin-client.ts';
import { CommandError, UsageError, type Command, type CommandIo } from './command.ts';
import { KEY, type Client, type ClientSettings } from './connect/client.ts';
import { clients } from './connect/index.ts';
import { parseFlags, type Flags } from './flags.ts';
import { NO_KEY } from './keys.ts';
import { json } from './text.ts';
import { expectWords } from './verbs.ts';
import { stateDirOf } from './places.ts';
import { configOf } from './where.ts';

/** Settings of clients. */
export const connect: Command = {
  name: 'connect',
  summary: 'the exact settings for a client',
  help: `sallyport connect CLIENT --key ID [--model NAME] [--json]

Prints what a client is told to use the gateway with this key: environment variables, files, an example.
CLIENT: ${clients.map(({ name }) => name).join(', ')}.
The value of a key was shown once and is not known any more: $SALLYPORT_API_KEY stands in its place.

Example: sallyport connect claude-code --key Ab12cd`,
  async run(words, io) {
    const flags = parseFlags(words, { key: 'text', model: 'text' });
    expectWords(flags, ['CLIENT'], 'sallyport connect');
    const client = clientOf(flags.words[0] ?? '');
    const id = flags.text('key');
    if (id === undefined) throw new UsageError('--key is missing: give the id of an API key (sallyport keys list)');
    const { config } = configOf(flags, io.env);
    const { key, upstreams } = await withAdmin(flags, io, (admin) => lookUp(admin, parseApiKey(id)?.id ?? id));
    if (key.state !== 'active') throw new CommandError(`This API key is ${key.state}: no client gets in with it.`);
    if (!key.scopes.includes(client.scope)) {
      io.err(`The key ${key.id} has no scope ${client.scope}: ${client.name} will be refused.\n`);
    }
    const served = upstreams.flatMap(({ models }) => models);
    const model = flags.text('model') ?? modelOf(key.models, served, config);
    const settings = client.settings({
      origin: publicUrlOf(config, config.listen.port),
      model,
      contextTokens: contextOf(config.models.aliases[model] ?? model, upstreams),
      caFile: caFileOf(flags, io, config),
    });
    io.out(flags.has('json') ? json({ client: client.name, key: key.id, ...settings }) : report(settings));
    return 0;
  },
};

function clientOf(name: string): Client {
  const client = clients.find((one) => one.name === name);
  if (client !== undefined) return client;
  const names = clients.map((one) => one.name);
  const near = nearest(name, names);
  const hint = near === undefined ? `There are: ${names.join(', ')}.` : `Did you mean "${near}"?`;
  throw new UsageError(`There is no client "${name}". ${hint}`);
}

async function lookUp(
  admin: AdminClient,
  id: string,
): Promise<{ key: z.output<typeof apiKeyShown>; upstreams: readonly UpstreamShown[] }> {
  const key = await askOne(admin, { method: 'GET', path: `/api-keys/${encodeURIComponent(id)}` }, apiKeyShown, NO_KEY);
  const { items } = await admin.ask({ method: 'GET', path: '/upstreams' }, upstreamList);
  return { key, upstreams: items };
}

/** The first that it may use and that is served; where nothing is known, a word to replace. */
function modelOf(granted: readonly string[], served: readonly string[], config: Config): string {
  const named = config.upstreams.flatMap(({ models }) => models).filter((model) => model !== '*');
  const there = [...served, ...named];
  if (granted.includes('*')) return there[0] ?? 'MODEL';
  return granted.find((model) => there.includes(model)) ?? granted[0] ?? 'MODEL';
}

/** Of several the least: a request may go to each of them. */
function contextOf(model: string, upstreams: readonly UpstreamShown[]): number | undefined {
  const lengths = upstreams.flatMap(({ contexts }) => contexts[model] ?? []);
  return lengths.length === 0 ? undefined : Math.min(...lengths);
}

function caFileOf(flags: Flags, io: CommandIo, config: Config): string | undefined {
  if (config.listen.tls.mode !== 'self-signed') return undefined;
  const path = stateDirOf(flags, io.env);
  const { caFile } = stateDirOfService(path) ?? openStateDir(path);
  // Before the first start there is none; where it will be is known.
  if (!existsSync(caFile)) io.err(`${caFile} is made at the first start of the gateway.\n`);
  return caFile;
}

function report({ env, files, example, javascript, notes }: ClientSettings): string {
  const parts: string[] = [];
  const names = Object.keys(env);
  if (names.length > 0) {
    // The key is told where it is, not what it is.
    const lines = names.flatMap((name) =>
      name === 'SALLYPORT_API_KEY' ? [] : [`export ${name}="${inDoubleQuotes(env[name] ?? '')}"\n`],
    );
    parts.push(`export SALLYPORT_API_KEY=…    # the value that was shown when the key was made\n${lines.join('')}`);
  }
  for (const { path, text } of files) parts.push(`# ${path}\n${text}`);
  if (example !== undefined) parts.push(`# then\n${example}`);
  if (javascript !== undefined) parts.push(`// or in JavaScript\n${javascript}`);
  for (const note of notes) parts.push(`${note}\n`);
  return parts.join('\n');
}

/** As it stands between double quotes for a shell: names of models are upstream's texts, and these lines are pasted. */
const inDoubleQuotes = (text: string): string => (text === KEY ? text : text.replace(/["\\$`]/g, '\\$&'));
