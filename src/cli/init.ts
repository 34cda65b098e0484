import { existsSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createInterface } from 'node:readline/promises';
import { openStateDir } from '../adapters/files/state-dir.ts';
import { apiKeyWithValue } from '../admin/api-key-schema.ts';
import { loadConfig, renderMistakes } from '../config/load.ts';
import { systemFiles } from '../config/named-files.ts';
import { publicUrlOf, type Config } from '../config/schema.ts';
import { acmeNamesOf } from '../gateway/acme.ts';
import { withAdmin } from './admin-client.ts';
import { CommandError, UsageError, type Command, type CommandIo } from './command.ts';
import { parseFlags, type Flags } from './flags.ts';
import { sampleConfig, type SampleAcme, type SampleAnswers } from './sample-config.ts';
import { findProvider, mappingText } from './identity-provider.ts';
import { hostAndPort } from './serve-flags.ts';
import { systemdUnit, USUAL_PLACES } from './systemd-unit.ts';
import { nextSteps } from './next-steps.ts';
import { painter } from './paint.ts';
import { json } from './text.ts';
import { expectWords } from './verbs.ts';
import { stateDirOf } from './places.ts';

/** The first start: configuration, first key, first administrator. */
export const init: Command = {
  name: 'init',
  summary: 'write a first sallyport.yaml, a first key and an administrator key',
  help: `sallyport init [--upstream URL] [--public-url URL] [--tls self-signed|acme] [--listen HOST:PORT] [--name NAME]
               [--acme-email ADDRESS] [--acme-directory URL] [--acme-challenge tls-alpn-01|http-01|dns-01]
               [--issuer URL [--audience AUD]] [--systemd] [--yes] [--force] [--config FILE] [--state-dir DIR] [--json]

Asks what it needs to know, writes a commented sallyport.yaml and makes two API keys: one for a first caller and one
with the admin scopes. Both are shown once. With --yes it asks nothing and takes flags and defaults. A file that is
there is replaced only with --force. --tls acme asks Let's Encrypt, or the CA of --acme-directory, for a certificate for
the host of --public-url, and listens on the port of that URL unless --listen says otherwise. --issuer takes the tokens of an
identity provider: it is asked for its metadata, and what its tokens need is said. --systemd writes sallyport.service beside the configuration, too: a unit that runs
the gateway as a user of its own, confined, and says how to install it.

Example: sallyport init --yes --upstream http://127.0.0.1:8000 --public-url https://llm.example.org --tls acme`,
  async run(words, io) {
    const flags = parseFlags(words, {
      upstream: 'text',
      listen: 'text',
      'public-url': 'text',
      tls: 'text',
      'acme-email': 'text',
      'acme-directory': 'text',
      'acme-challenge': 'text',
      issuer: 'text',
      audience: 'text',
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
      const said = {
        configFile: file,
        unitFile,
        stateDir: stateDir.path,
        sameFlags: sameFlagsOf(flags),
        key: made.key,
        adminKey: made.admin.key,
        certifiedName: answers.acme === undefined ? undefined : acmeNamesOf(config)[0],
        publicUrl: publicUrlOf(config, config.listen.port),
        isInHome: /^\/(home|root|run\/user)\//.test(fileURLToPath(import.meta.url)),
      };
      io.out(nextSteps(said, painter(io.isTerminal)));
      if (answers.provider !== undefined) io.out(mappingText(answers.provider, said.publicUrl));
    }
    return 0;
  },
};

const ADMIN_SCOPES = ['admin:read', 'admin:write', 'audit:read', 'metrics:read'];
const DEFAULTS = {
  upstream: 'http://127.0.0.1:8000',
  'public-url': '',
  tls: 'self-signed',
  listen: '',
  name: 'first',
  issuer: '',
};

/** What the person wants: said by flags, else asked, else the defaults. */
async function wishes(flags: Flags, io: CommandIo): Promise<{ answers: SampleAnswers; name: string }> {
  const asker = flags.has('yes') ? undefined : askerOf(io);
  const want = async (flag: keyof typeof DEFAULTS, question: string, otherwise: string = DEFAULTS[flag]) => {
    const said = flags.text(flag);
    if (said !== undefined) return said;
    const answer = await asker?.ask(`${question} [${otherwise === '' ? 'none' : otherwise}] `);
    return answer === undefined || answer.trim() === '' ? otherwise : answer.trim();
  };
  try {
    const upstream = await want('upstream', 'URL of the vLLM server');
    const publicUrl =
      (await want('public-url', 'URL that callers will use, such as https://llm.example.org')) || undefined;
    const acme = await acmeWish(flags, () =>
      publicUrl === undefined
        ? Promise.resolve(DEFAULTS.tls)
        : want('tls', 'Its certificate: acme (a CA) or self-signed', 'acme'),
    );
    const { host, port } = hostAndPort(
      '--listen',
      await want('listen', 'Address to listen on', listenFor(publicUrl, acme)),
    );
    const name = await want('name', 'Name of the first API key');
    const issuer = await want(
      'issuer',
      'Identity provider whose tokens are accepted (its issuer URL), if you have one',
    );
    const provider = issuer === '' ? undefined : await findProvider(issuer, flags.text('audience'));
    return { answers: { upstream, host, port, publicUrl, acme, provider }, name };
  } finally {
    asker?.close();
  }
}

/** Whether a CA is asked, and with what. Flags for a CA mean one. @throws UsageError */
async function acmeWish(flags: Flags, ask: () => Promise<string>): Promise<SampleAcme | undefined> {
  const [directory, email, challenge] = ['acme-directory', 'acme-email', 'acme-challenge'].map((name) =>
    flags.text(name),
  );
  const isMeant = [directory, email, challenge].some((value) => value !== undefined);
  const mode = flags.text('tls') ?? (isMeant ? 'acme' : flags.has('yes') ? DEFAULTS.tls : await ask());
  if (mode === 'acme') return { directory, email, challenge };
  if (mode !== 'self-signed') throw new UsageError('--tls is self-signed or acme; other modes are written by hand.');
  if (isMeant) throw new UsageError('--acme-… asks a CA for a certificate: leave out --tls self-signed.');
  return undefined;
}

/** Where a CA or a browser looks for the URL, where the certificate is to be had there; else a port that needs no rights. */
function listenFor(publicUrl: string | undefined, acme: SampleAcme | undefined): string {
  const url = acme === undefined ? null : URL.parse(publicUrl ?? '');
  return `0.0.0.0:${url === null ? '8443' : url.port || '443'}`;
}

/** The flags that the commands after it need, too. */
function sameFlagsOf(flags: Flags): string {
  return ['config', 'state-dir']
    .flatMap((name) => {
      const value = flags.text(name);
      return value === undefined ? [] : [` --${name} ${value}`];
    })
    .join('');
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

/** The unit for this installation: with the very program that runs now. */
function unitFor(config: Config): string {
  const launcher = fileURLToPath(new URL('../../bin/sallyport.mjs', import.meta.url));
  return systemdUnit({ ...USUAL_PLACES, command: `${process.execPath} ${launcher}`, port: config.listen.port });
}
