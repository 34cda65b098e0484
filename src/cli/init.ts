import { existsSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createInterface } from 'node:readline/promises';
import { openStateDir } from '../adapters/files/state-dir.ts';
import { apiKeyWithValue } from '../admin/api-key-schema.ts';
import { loadConfig, renderMistakes } from '../config/load.ts';
import { systemFiles } from '../config/named-files.ts';
import { publicUrlOf, type Config } from '../config/schema.ts';
import { withAdmin } from './admin-client.ts';
import { CommandError, UsageError, type Command, type CommandIo } from './command.ts';
import { parseFlags, type Flags } from './flags.ts';
import { sampleConfig, type SampleAnswers } from './sample-config.ts';
import { hostAndPort } from './serve-flags.ts';
import { systemdUnit, USUAL_PLACES } from './systemd-unit.ts';
import { json } from './text.ts';
import { expectWords } from './verbs.ts';
import { stateDirOf } from './where.ts';

/** The first start: configuration, first key, first administrator. */
export const init: Command = {
  name: 'init',
  summary: 'write a first sallyport.yaml, a first key and an administrator key',
  help: `sallyport init [--upstream URL] [--listen HOST:PORT] [--public-url URL] [--name NAME] [--yes] [--force] [--systemd]
               [--config FILE] [--state-dir DIR] [--json]

Asks what it needs to know, writes a commented sallyport.yaml and makes two API keys: one for a first caller and one
with the admin scopes. Both are shown once. With --yes it asks nothing and takes flags and defaults. A file that is
there is replaced only with --force. --systemd writes sallyport.service beside the configuration, too: a unit that runs
the gateway as a user of its own, confined, and says how to install it.

Example: sallyport init --yes --upstream http://127.0.0.1:8000`,
  async run(words, io) {
    const flags = parseFlags(words, {
      upstream: 'text',
      listen: 'text',
      'public-url': 'text',
      name: 'text',
      yes: 'flag',
      force: 'flag',
      systemd: 'flag',
    });
    expectWords(flags, [], 'sallyport init');
    const file = resolve(flags.text('config') ?? io.env['SALLYPORT_CONFIG'] ?? 'sallyport.yaml');
    const unitFile = flags.has('systemd') ? join(dirname(file), 'sallyport.service') : undefined;
    for (const one of [file, ...(unitFile === undefined ? [] : [unitFile])]) {
      if (existsSync(one) && !flags.has('force')) {
        throw new CommandError(`${one} is there already: change it by hand, or replace it with --force.`);
      }
    }
    const { answers, name } = await wishes(flags, io);
    const text = sampleConfig(answers);
    const config = checked(file, text, io);
    const stateDir = openStateDir(stateDirOf(flags, io.env));
    const made = await withAdmin(flags, io, async (client) => {
      const create = (body: object) => client.ask({ method: 'POST', path: '/api-keys', body }, apiKeyWithValue);
      write(file, text, flags.has('force'));
      if (unitFile !== undefined) write(unitFile, unitFor(config), flags.has('force'));
      return { key: await create({ name }), admin: await create({ name: 'admin', scopes: ADMIN_SCOPES }) };
    });
    const unit = unitFile === undefined ? {} : { unit: unitFile };
    if (flags.has('json')) io.out(json({ config: file, stateDir: stateDir.path, ...unit, ...made }));
    else {
      io.out(report({ file, flags, config, caFile: stateDir.caFile, key: made.key.key, admin: made.admin.key }));
      if (unitFile !== undefined) io.out(unitReport(unitFile, file, stateDir.path));
    }
    return 0;
  },
};

const ADMIN_SCOPES = ['admin:read', 'admin:write', 'audit:read', 'metrics:read'];
const DEFAULTS = { upstream: 'http://127.0.0.1:8000', listen: '0.0.0.0:8443', name: 'first' };

/** What the person wants: said by flags, else asked, else the defaults. */
async function wishes(flags: Flags, io: CommandIo): Promise<{ answers: SampleAnswers; name: string }> {
  const asker = flags.has('yes') ? undefined : askerOf(io);
  try {
    const want = async (flag: keyof typeof DEFAULTS, question: string): Promise<string> => {
      const said = flags.text(flag);
      if (said !== undefined) return said;
      const answer = await asker?.ask(`${question} [${DEFAULTS[flag]}] `);
      return answer === undefined || answer.trim() === '' ? DEFAULTS[flag] : answer.trim();
    };
    const upstream = await want('upstream', 'URL of the vLLM server');
    const { host, port } = hostAndPort('--listen', await want('listen', 'Address to listen on'));
    const name = await want('name', 'Name of the first API key');
    return { answers: { upstream, host, port, publicUrl: flags.text('public-url') }, name };
  } finally {
    asker?.close();
  }
}

interface Asker {
  readonly ask: (question: string) => Promise<string>;
  readonly close: () => void;
}

function askerOf(io: CommandIo): Asker {
  if (io.ask !== undefined) return { ask: io.ask, close: () => undefined };
  if (!process.stdin.isTTY) throw new UsageError('There is no terminal to ask on: give --yes, with flags as needed.');
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  return { ask: (question) => lines.question(question), close: () => lines.close() };
}

/** Loads the text as if it stood in the file already: what would not start is not written. */
function checked(file: string, text: string, io: CommandIo): Config {
  const files = { ...systemFiles, read: (name: string) => (name === file ? text : systemFiles.read(name)) };
  const loaded = loadConfig({ file, env: io.env, files });
  if (loaded.ok) return loaded.config;
  throw new UsageError(renderMistakes(loaded.mistakes).trimEnd());
}

function write(file: string, text: string, isForced: boolean): void {
  try {
    writeFileSync(file, text, { flag: isForced ? 'w' : 'wx' });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new CommandError(`${file} cannot be written (${code}): give another --config FILE`);
  }
}

interface Report {
  readonly file: string;
  readonly flags: Flags;
  readonly config: Config;
  readonly caFile: string;
  readonly key: string;
  readonly admin: string;
}

function report({ file, flags, config, caFile, key, admin }: Report): string {
  const same = ['config', 'state-dir'].flatMap((name) => {
    const value = flags.text(name);
    return value === undefined ? [] : [` --${name} ${value}`];
  });
  return `wrote ${file}

API key, for a first caller         ${key}
API key with the admin scopes       ${admin}

Both are shown this once: keep them now. Go on with:

  sallyport serve${same.join('')}

  export SALLYPORT_API_KEY=${key}
  curl --cacert ${caFile} ${publicUrlOf(config, config.listen.port)}/v1/models \\
    -H "Authorization: Bearer $SALLYPORT_API_KEY"
`;
}

/** The unit for this installation: with the very program that runs now. */
function unitFor(config: Config): string {
  const launcher = fileURLToPath(new URL('../../bin/sallyport.mjs', import.meta.url));
  return systemdUnit({ ...USUAL_PLACES, command: `${process.execPath} ${launcher}`, port: config.listen.port });
}

function unitReport(unitFile: string, configFile: string, stateDir: string): string {
  const { configFile: installed, stateDirName } = USUAL_PLACES;
  const hidden = /^\/(home|root|run\/user)\//.test(fileURLToPath(import.meta.url))
    ? '\nThe unit cannot see this program, which is in a home folder: install it with "npm install -g sallyport" first.\n'
    : '';
  return `
As a service (the keys above move with the state directory):

  sudo install -D -m 0644 ${configFile} ${installed}
  sudo cp -r ${stateDir} /var/lib/${stateDirName}
  sudo install -m 0644 ${unitFile} /etc/systemd/system/sallyport.service
  sudo systemctl daemon-reload && sudo systemctl enable --now sallyport
${hidden}`;
}
