import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { readContent } from '../adapters/audit-log/content-files.ts';
import { openNameKeys } from '../adapters/files/audit-names.ts';
import { auditContentReading } from '../admin/audit-log.ts';
import { contentDigest, createContentSeals, type ContentSeals } from '../audit-log/content.ts';
import { contentFactsOf, type ContentFacts } from '../audit-log/content-facts.ts';
import { searchAuditLog } from '../gateway/audit-search.ts';
import type { ContentPart } from '../kernel/content.ts';
import { withAdmin } from './admin-client.ts';
import { CommandError, UsageError, type CommandIo } from './command.ts';
import type { Flags } from './flags.ts';
import { stateDirOf } from './places.ts';
import { json } from './text.ts';

const PARTS = ['prompt', 'completion'] as const satisfies readonly ContentPart[];
/** How long the record of a reading may take until it is on the disk. */
const RECORD_MS = 5_000;
const LOOK_MS = 20;

/** Prints the digest by which records name a text, so that it can be shown that it was this one. */
export async function hashText(flags: Flags, io: CommandIo): Promise<number> {
  const tenant = flags.text('tenant');
  if (tenant === undefined) throw new UsageError('--tenant is missing: sallyport audit-log hash --tenant ID < FILE');
  if (flags.words.length > 1) throw new UsageError(`"${flags.words[1]}" is one word too many.`);
  const [file] = flags.words;
  const text = file === undefined ? await inputOf(io) : readFileSync(file);
  const hash = sealsOf(stateDirOf(flags, io.env)).hash(tenant, contentDigest(text));
  if (hash === undefined) throw new CommandError(`There is no key of ${tenant}: it has no records, or was erased.`);
  io.out(flags.has('json') ? json({ tenant, hash, bytes: text.length }) : `${hash}\n`);
  return 0;
}

/** Shows what was said in a request, once the log has a record of who looks. */
export async function showContent(flags: Flags, io: CommandIo): Promise<number> {
  const [request = ''] = flags.words;
  const part = partOf(flags.text('part'));
  const stateDir = stateDirOf(flags, io.env);
  const facts = factsOf(stateDir, request);
  const texts = await textsOf(stateDir, facts);
  await noteReading(flags, io, stateDir, request);
  if (part !== undefined) io.out((texts[part] ?? Buffer.alloc(0)).toString());
  else if (flags.has('json')) io.out(json(jsonOf(texts, facts)));
  else io.out(plainText(texts));
  for (const one of PARTS) io.err(verdictOf(one, texts[one], facts, sealsOf(stateDir)));
  return 0;
}

type Texts = Readonly<Partial<Record<ContentPart, Buffer>>>;

function partOf(word: string | undefined): ContentPart | undefined {
  const part = PARTS.find((one) => one === word);
  if (word !== undefined && part === undefined) throw new UsageError(`--part is one of: ${PARTS.join(', ')}`);
  return part;
}

/** Looking makes no keys. */
function sealsOf(stateDir: string): ContentSeals {
  const keys = openNameKeys(stateDir);
  return createContentSeals((tenant) => keys.keyOf(tenant, false));
}

function factsOf(stateDir: string, request: string): ContentFacts {
  const { records } = searchAuditLog(stateDir, { request, kind: 'request', limit: 100 });
  if (records.length === 0) throw new CommandError(`The audit log has no record of ${request}.`);
  const all = records.flatMap((record) => contentFactsOf(record) ?? []);
  const kept = all.find(({ content }) => content === 'full');
  if (kept !== undefined) return kept;
  const [found] = all;
  throw new CommandError(
    `The content of ${request} was not kept: ${found === undefined ? 'auditLog.content was none, it was not in the sample, or nothing was sent' : found.content}.`,
  );
}

async function textsOf(stateDir: string, facts: ContentFacts): Promise<Texts> {
  const { request, tenant } = facts;
  const sealed = await readContent(stateDir, { requestId: request, timeMs: facts.timeMs });
  if (sealed === undefined) throw new CommandError(`The content of ${request} is gone: by retention, or by hand.`);
  const seals = sealsOf(stateDir);
  const texts: Partial<Record<ContentPart, Buffer>> = {};
  for (const part of PARTS) {
    const one = sealed[part];
    if (one === undefined) continue;
    const text = seals.open({ tenant, requestId: request, part }, one);
    if (text === undefined) {
      throw new CommandError(
        `Nobody can read the ${part} of ${request}: the key of ${tenant} is gone, or it was changed.`,
      );
    }
    texts[part] = text;
  }
  return texts;
}

/** @throws CommandError where that is not on the disk in time: nobody reads unrecorded by this way */
async function noteReading(flags: Flags, io: CommandIo, stateDir: string, request: string): Promise<void> {
  const before = lastReading(stateDir, request);
  const question = { method: 'POST', path: '/audit-log/content-readings', body: { request, by: whoAmI() } } as const;
  await withAdmin(flags, io, (client) => client.ask(question, auditContentReading));
  const endMs = performance.now() + RECORD_MS;
  while (lastReading(stateDir, request) === before) {
    if (performance.now() > endMs) throw new CommandError('This reading could not be recorded: nothing is shown.');
    await sleep(LOOK_MS);
  }
}

const lastReading = (stateDir: string, request: string): string | undefined =>
  searchAuditLog(stateDir, { object: `audit-log/${request}`, limit: 1 }).records[0];

/** As the system knows the user; it may have no name. */
function whoAmI(): string {
  try {
    const { username, uid } = userInfo();
    return `${username.slice(0, 64)} (${uid})`;
  } catch {
    return `(${process.getuid?.() ?? '?'})`;
  }
}

const jsonOf = (texts: Texts, facts: ContentFacts): object => ({
  ...facts,
  ...Object.fromEntries(PARTS.map((part) => [part, { ...facts[part], text: texts[part]?.toString() ?? null }])),
});

const shownAs = (texts: Texts, show: (text: string) => string): Record<string, string> =>
  Object.fromEntries(
    PARTS.flatMap((part) => (texts[part] === undefined ? [] : [[part, show(texts[part].toString())]])),
  );

const plainText = (texts: Texts): string =>
  Object.entries(shownAs(texts, harmless))
    .map(([part, text]) => `-- ${part}\n${text}\n`)
    .join('');

/** A model, or who asks it, could else write to the terminal what acts there, or hides. */
const harmless = (text: string): string =>
  text.replace(/[^\P{C}\n\t]/gu, (odd) => `\\u{${(odd.codePointAt(0) ?? 0).toString(16)}}`);

function verdictOf(part: ContentPart, text: Buffer | undefined, facts: ContentFacts, seals: ContentSeals): string {
  if (text === undefined) return '';
  const { bytes, hash } = facts[part];
  if (text.length < bytes) return `The ${part} is cut: ${text.length} bytes of ${bytes}.\n`;
  const isSame = seals.hash(facts.tenant, contentDigest(text)) === hash;
  return isSame ? `The ${part} is the one of the record.\n` : `The ${part} is NOT the one of the record.\n`;
}

async function inputOf(io: CommandIo): Promise<Buffer> {
  if (io.stdin !== undefined) return Buffer.from(await io.stdin());
  const parts: Buffer[] = [];
  for await (const part of process.stdin) parts.push(Buffer.from(part));
  return Buffer.concat(parts);
}
