import { randomBytes } from 'node:crypto';
import { openRootKeyFiles } from '../adapters/files/root-key.ts';
import { keyringShown, type KeyringShown } from '../admin/keyring.ts';
import { absoluteSource } from '../config/written.ts';
import { nearest } from '../kernel/nearest.ts';
import { readRootKeySource, ROOT_KEY_HINT } from '../kernel/root-key-source.ts';
import { deriveRootKey, newKdf } from '../keyring/passphrase.ts';
import { withAdmin } from './admin-client.ts';
import { UsageError, type Command, type CommandIo } from './command.ts';
import type { Flags } from './flags.ts';
import { stateDirOf } from './places.ts';
import { json, pairs, table } from './text.ts';
import { runVerb, type Verb } from './verbs.ts';

/** Encryption at rest. */
export const keyring: Command = {
  name: 'keyring',
  summary: 'show and rotate the keys that what is kept is encrypted with',
  help: `sallyport keyring status [--json]
sallyport keyring rotate [--new-root SOURCE] [--data-keys] [--json]

Signing keys, codes, sessions and personal data are encrypted with a data key for each tenant and purpose, and those with
the root key, which keyring.rootKey names. status tells whether all of them open; its exit code is 1 where one does not.
rotate wraps them with a new root key while the gateway runs: with a new keys/root.key, or with that of --new-root SOURCE
(auto, file:PATH, env:NAME, credential:NAME, or passphrase: before one of these). With --data-keys what is encrypted from
then on has new data keys, too; what was before still opens.

Example: sallyport keyring rotate --new-root file:/etc/sallyport/root.key`,
  run: (words, io) => runVerb('keyring', VERBS, [], words, io),
};

const VERBS: readonly Verb[] = [
  { name: 'status', kinds: {}, words: [], run: status },
  { name: 'rotate', kinds: { 'new-root': 'text', 'data-keys': 'flag' }, words: [], run: rotate },
];

async function status(flags: Flags, io: CommandIo): Promise<number> {
  const shown = await withAdmin(flags, io, (client) => client.ask({ method: 'GET', path: '/keyring' }, keyringShown));
  show(shown, flags, io);
  return shown.allOpen && shown.problem === null ? 0 : 1;
}

async function rotate(flags: Flags, io: CommandIo): Promise<number> {
  const word = flags.text('new-root');
  const newRoot = word === undefined ? undefined : await rootFrom(word, flags, io);
  const body = { dataKeys: flags.has('data-keys'), newRoot };
  const shown = await withAdmin(flags, io, (client) =>
    client.ask({ method: 'POST', path: '/keyring/rotate', body }, keyringShown),
  );
  show(shown, flags, io);
  if (shown.source !== shown.configured) {
    io.err(
      `Now set keyring.rootKey: ${shown.source} in the configuration: with ${shown.configured} the next start is refused.\n`,
    );
  }
  io.err('Keep the root key before for as long as there are backups from before.\n');
  return 0;
}

/** Reads the new root key here: the sandbox of a running gateway keeps it from a file that it was not started with. */
async function rootFrom(word: string, flags: Flags, io: CommandIo) {
  const read = readRootKeySource(word);
  if (read === undefined) {
    const near = nearest(word.split(':')[0] ?? '', ['auto', 'file', 'env', 'credential', 'passphrase']);
    throw new UsageError(
      `--new-root: ${near === undefined || near === 'auto' ? '' : `Did you mean ${near}:…? `}${ROOT_KEY_HINT}`,
    );
  }
  if (read.kind === 'auto') return { source: 'auto' };
  const source = absoluteSource(word, process.cwd());
  const files = openRootKeyFiles({ path: stateDirOf(flags, io.env) }, io.env);
  const place = readRootKeySource(source);
  if (place === undefined || place.kind === 'auto') throw new UsageError(`--new-root: ${ROOT_KEY_HINT}`);
  if (place.kind !== 'passphrase') return { source, key: base64(files.keyAt(place)) };
  const kdf = newKdf((count) => randomBytes(count));
  return { source, key: base64(await deriveRootKey(files.passphraseAt(place.place), kdf)), kdf };
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

function show(shown: KeyringShown, flags: Flags, io: CommandIo): void {
  if (flags.has('json')) return io.out(json(shown));
  const { source, rootKeyId, allOpen, dataKeys, problem } = shown;
  const opens = dataKeys.length === 0 ? 'nothing is encrypted yet' : allOpen ? 'yes' : 'NO';
  io.out(
    pairs([
      ['root key', source],
      ['id', rootKeyId ?? '-'],
      ['data keys', String(dataKeys.length)],
      ['all open', opens],
    ]),
  );
  if (dataKeys.length > 0) {
    const rows = dataKeys.map(({ id, tenant, purpose, createdAt, current, open }) => [
      id,
      tenant ?? '-',
      purpose,
      age(createdAt),
      current ? 'seals' : 'opens only',
      open ? 'yes' : 'NO',
    ]);
    io.out(`\n${table([['DATA KEY', 'TENANT', 'PURPOSE', 'AGE', 'USE', 'OPENS'], ...rows])}`);
  }
  if (problem !== null) io.err(`${problem}\n`);
}

const HOUR_MS = 3_600_000;

/** Whole days; of the first two, hours. */
function age(createdAt: string): string {
  const hours = Math.max(0, Math.floor((Date.now() - Date.parse(createdAt)) / HOUR_MS));
  return hours < 48 ? `${hours}h` : `${Math.floor(hours / 24)}d`;
}
