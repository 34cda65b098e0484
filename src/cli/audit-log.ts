import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { auditLogPlaces, placesOfFolder, type AuditLogPlaces } from '../adapters/audit-log/folder.ts';
import { proveGrowth, proveRecord } from '../adapters/audit-log/prove.ts';
import { rotateSigningKey } from '../adapters/audit-log/rotate.ts';
import { verifyLog, type BrokenLog, type WholeLog } from '../adapters/audit-log/verify.ts';
import { openStateDir } from '../adapters/files/state-dir.ts';
import { takeStateLock } from '../adapters/sqlite/lock.ts';
import { parseCheckpoint } from '../audit-log/checkpoint.ts';
import { parseVerifier, type Verifier } from '../audit-log/note.ts';
import { formatTlogProof } from '../audit-log/tlog-proof.ts';
import { base64OfHash } from '../audit-log/tree.ts';
import { auditErasure } from '../admin/audit-log.ts';
import { withAdmin } from './admin-client.ts';
import { hashText, showContent } from './audit-content.ts';
import { exportAll, search, SEARCH_FLAGS } from './audit-search.ts';
import { CommandError, UsageError, type Command, type CommandIo } from './command.ts';
import type { Flags } from './flags.ts';
import { stateDirOf } from './places.ts';
import { json, pairs } from './text.ts';
import { runVerb, type Verb } from './verbs.ts';

/** The audit log. */
export const auditLog: Command = {
  name: 'audit-log',
  summary: 'search the audit log, verify it, prove what is in it',
  help: `sallyport audit-log verify [DIR] [--public-key FILE] [--checkpoint FILE…] [--checkpoints FILE…] [--json]
sallyport audit-log prove SEQUENCE [DIR] [--json]
sallyport audit-log prove --since FILE [DIR] [--json]
sallyport audit-log rotate-key [--json]
sallyport audit-log search [--since TIME] [--until TIME] [--key ID] [--tenant T] [--code C] [--model M] [--ip ADDRESS]
                           [--request ID] [--kind K] [--limit N] [--json]
sallyport audit-log export [the same] [--format jsonl|csv]
sallyport audit-log erase --tenant ID --yes [--json]
sallyport audit-log content REQUEST [--part prompt|completion] [--json]
sallyport audit-log hash --tenant ID [FILE] [--json]

The log is a hash tree over its records, and a key signs the tree each second. verify needs the files and the public key,
and no gateway: its exit code is 1 where a record was changed, and it names the first one by its sequence number. DIR is a
copy of the folder audit-log/, or of a state directory; left out, it is --state-dir. The key is audit-log.pub beside the
folder; give the one that you have kept elsewhere with --public-key, and a checkpoint that you have kept with --checkpoint:
without it nobody can tell a log that was set back to an earlier state. --checkpoints takes the file that auditLog.copies writes.
prove prints what shows others that a record is in the log (c2sp.org/tlog-proof), or with --since, that the log goes on from
a checkpoint that they have. rotate-key has a new key sign; the old one vouches for it.
search shows the newest records first; a TIME is such as 2026-11-26T14:00:00Z, or 30m, 8h, 7d ago. People and addresses are in
the clear where the key of their tenant is in keys/audit-names.json.
content shows what was said in a request where auditLog.content was full; that somebody looks is recorded first. hash prints the
digest of a text (FILE, or the standard input) as records have it, so that it can be shown that it was this one.
erase destroys that key: what names a tenant's people and addresses, and what they said, is read by nobody any more, and the log
verifies as before. It cannot be taken back, and is recorded. Backups of keys/ still have the key: delete those, too.

Example: sallyport audit-log verify --state-dir /var/lib/sallyport --checkpoint /mnt/elsewhere/audit-log.checkpoint`,
  run: (words, io) => runVerb('audit-log', VERBS, [], words, io),
};

const VERBS: readonly Verb[] = [
  {
    name: 'verify',
    kinds: { 'public-key': 'text', checkpoint: 'list', checkpoints: 'list' },
    words: 'any',
    run: verify,
  },
  { name: 'prove', kinds: { since: 'text' }, words: 'any', run: prove },
  { name: 'rotate-key', kinds: {}, words: [], run: rotateKey },
  { name: 'erase', kinds: { tenant: 'text', yes: 'flag' }, words: [], run: erase },
  { name: 'content', kinds: { part: 'text' }, words: ['REQUEST'], run: showContent },
  { name: 'hash', kinds: { tenant: 'text' }, words: 'any', run: hashText },
  { name: 'search', kinds: SEARCH_FLAGS, words: [], run: async (flags, io) => search(flags, io) },
  { name: 'export', kinds: SEARCH_FLAGS, words: [], run: async (flags, io) => exportAll(flags, io) },
];

type Places = Omit<AuditLogPlaces, 'key' | 'nextKey'>;

async function verify(flags: Flags, io: CommandIo): Promise<number> {
  const places = placesOf(flags.words, 0, flags, io);
  const keyFile = flags.text('public-key');
  const key = keyIn(keyFile ?? places.publicKey);
  const given = flags.list('checkpoint');
  for (const file of given) if (!existsSync(file)) throw new UsageError(`--checkpoint: there is no file ${file}`);
  const copyFiles = flags.list('checkpoints');
  for (const file of copyFiles) if (!existsSync(file)) throw new UsageError(`--checkpoints: there is no file ${file}`);
  const kept = existsSync(places.lastCheckpoint) ? [places.lastCheckpoint] : [];
  const verdict = orCommandError(() =>
    verifyLog({
      ...{ ...places, key, copies: [...kept, ...given] },
      ...(copyFiles.length === 0 ? {} : { copyFiles }),
    }),
  );
  if (flags.has('json')) io.out(json(shown(verdict, key)));
  else if (verdict.kind === 'broken') io.out(brokenText(verdict));
  else io.out(wholeText(verdict, key));
  if (keyFile === undefined && verdict.kind === 'whole') {
    io.err(
      `The key is the one beside the log: whoever can write there can replace both. Keep ${key.text} elsewhere.\n`,
    );
  }
  return verdict.kind === 'whole' ? 0 : 1;
}

async function prove(flags: Flags, io: CommandIo): Promise<number> {
  const since = flags.text('since');
  return since === undefined ? proveOne(flags, io) : proveSince(since, flags, io);
}

function proveOne(flags: Flags, io: CommandIo): number {
  const [word = ''] = flags.words;
  if (!/^\d{1,15}$/.test(word)) throw new UsageError('SEQUENCE is missing: sallyport audit-log prove SEQUENCE [DIR]');
  const places = placesOf(flags.words, 1, flags, io);
  const proof = orCommandError(() => proveRecord(places, Number(word)));
  const { sequence, record, leaf, hashes, checkpointText } = proof;
  if (!flags.has('json')) io.out(formatTlogProof(sequence, hashes, checkpointText));
  else {
    const texts = { leafHash: base64OfHash(leaf), hashes: hashes.map(base64OfHash), checkpoint: checkpointText };
    io.out(json({ sequence, record: record?.toString() ?? null, ...texts }));
  }
  return 0;
}

function proveSince(file: string, flags: Flags, io: CommandIo): number {
  const places = placesOf(flags.words, 0, flags, io);
  const old = existsSync(file) ? parseCheckpoint(readFileSync(file, 'utf8')) : undefined;
  if (old === undefined) throw new UsageError(`--since: ${file} is no checkpoint`);
  const { oldSize, hashes, checkpointText } = orCommandError(() => proveGrowth(places, old));
  const lines = hashes.map(base64OfHash);
  if (flags.has('json')) io.out(json({ oldSize, hashes: lines, checkpoint: checkpointText }));
  // As a witness is asked (c2sp.org/tlog-witness).
  else io.out(`old ${oldSize}\n${lines.map((line) => `${line}\n`).join('')}\n${checkpointText}`);
  return 0;
}

async function rotateKey(flags: Flags, io: CommandIo): Promise<number> {
  const path = stateDirOf(flags, io.env);
  if (!existsSync(auditLogPlaces(path).keyChain)) throw new CommandError(`There is no audit log in ${path}.`);
  const lock = takeStateLock(openStateDir(path).lock);
  try {
    const key = await rotateSigningKey(path, lock === undefined);
    if (key === undefined) {
      throw new CommandError(
        'The gateway that runs has not taken the new key within 5 s: see its log. Its next start takes it.',
      );
    }
    io.out(flags.has('json') ? json({ publicKey: key }) : `${key}\n`);
  } finally {
    lock?.release();
  }
  io.err('Keep this key elsewhere: it verifies the log from its beginning on, and so does each key before it.\n');
  return 0;
}

async function erase(flags: Flags, io: CommandIo): Promise<number> {
  const tenant = flags.text('tenant');
  if (tenant === undefined) throw new UsageError('--tenant is missing: sallyport audit-log erase --tenant ID --yes');
  if (!flags.has('yes')) {
    throw new UsageError(
      `This cannot be taken back: give --yes to destroy the key of the names and content of ${tenant}`,
    );
  }
  const question = { method: 'POST', path: '/audit-log/erase', body: { tenant } } as const;
  const erased = await withAdmin(flags, io, (client) => client.ask(question, auditErasure));
  if (flags.has('json')) io.out(json(erased));
  else io.out(`Nobody reads the people and addresses of ${tenant} in the audit log, and what they said, any more.\n`);
  return 0;
}

/** The log that a command line means: a folder, a state directory, or that of everybody's flag. */
function placesOf(words: readonly string[], at: number, flags: Flags, io: CommandIo): Places {
  if (words.length > at + 1) throw new UsageError(`"${words[at + 1]}" is one word too many.`);
  const word = words[at];
  const dir = word === undefined ? stateDirOf(flags, io.env) : resolve(word);
  const isFolder = word !== undefined && !existsSync(join(dir, 'audit-log'));
  const places = isFolder ? placesOfFolder(dir) : auditLogPlaces(dir);
  if (!existsSync(places.folder)) throw new CommandError(`There is no audit log in ${dir}.`);
  return places;
}

function keyIn(file: string): Verifier {
  if (!existsSync(file)) throw new UsageError(`There is no public key ${file}: give it with --public-key FILE.`);
  const key = parseVerifier(readFileSync(file, 'utf8'));
  if (key === undefined) throw new CommandError(`${file} holds no public key of an audit log (name+hash+base64).`);
  return key;
}

function orCommandError<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw new CommandError(error instanceof Error ? error.message : String(error));
  }
}

const shown = (verdict: WholeLog | BrokenLog, { text }: Verifier) =>
  verdict.kind === 'broken'
    ? { ok: false, ...verdict.fault }
    : { ok: true, ...{ ...verdict, kind: undefined }, publicKey: text };

function brokenText({ fault: { kind, sequence, last, file, what } }: BrokenLog): string {
  const records = last === undefined || last <= sequence ? `record ${sequence}` : `records ${sequence} to ${last}`;
  return `BAD: ${records}: ${kind}: ${what} (${file})\n`;
}

function wholeText(log: WholeLog, { keyId }: Verifier): string {
  const unsigned = log.size - log.signed;
  const lost = log.gaps.reduce((sum, gap) => sum + gap.lost, 0);
  return pairs([
    ['log', log.origin],
    ['records', String(log.size)],
    ['all signed', unsigned === 0 ? 'yes' : `but the last ${unsigned}: nothing vouches for those yet`],
    [
      'state',
      log.state === 'closed' ? 'closed' : 'open: it is being written, was cut short by a crash, or its end is gone',
    ],
    ['deleted', log.deletedBefore === 0 ? 'none' : `those before ${log.deletedBefore}, by retention`],
    ['gaps', log.gaps.length === 0 ? 'none' : `${log.gaps.length}, ${lost} records lost`],
    ['crashes', String(log.crashes)],
    ['clock set back', `${log.clocksSetBack} times`],
    ['keys', `${log.keys.length}, checked with ${keyId}`],
    ...copiedLines(log),
    ['verdict', 'whole'],
  ]);
}

function copiedLines({ copied }: WholeLog): [string, string][] {
  if (copied === undefined) return [];
  const { checkpoints, otherLogs, unreadableLines } = copied;
  const others = otherLogs.length === 0 ? '' : `; others are of ${otherLogs.join(', ')}`;
  const unreadable = unreadableLines === 0 ? '' : `; ${unreadableLines} lines are none`;
  return [['copied checkpoints', `${checkpoints}, the log extends each${others}${unreadable}`]];
}
