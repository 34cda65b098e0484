import { closeSync, constants, createReadStream, openSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { ContentPart } from '../../kernel/content.ts';
import { makePrivateDir } from '../tls/private-files.ts';

/** Encrypted content of one request. */
export interface SealedContent {
  readonly requestId: string;
  /** When the request ended: by it the content is found again. Milliseconds since the epoch. */
  readonly timeMs: number;
  readonly parts: Readonly<Partial<Record<ContentPart, Uint8Array>>>;
}

const FOLDER = 'audit-content';
const HOUR_MS = 3_600_000;
const FILE = /^(\d{4}-\d\d-\d\d)\/(\d\d)\.jsonl$/;

/** Where content of that time lies: a file for each hour, of UTC, in a folder for each day. */
const fileOf = (stateDir: string, timeMs: number): { readonly folder: string; readonly file: string } => {
  const time = new Date(timeMs).toISOString();
  const folder = join(stateDir, FOLDER, time.slice(0, 10));
  return { folder, file: join(folder, `${time.slice(11, 13)}.jsonl`) };
};

/** Adds content to its files; it is on the disk afterwards. @throws Error of the system: then some of it may be there */
export function addContent(stateDir: string, contents: readonly SealedContent[]): void {
  const lines = new Map<string, string[]>();
  for (const content of contents) {
    const { folder, file } = fileOf(stateDir, content.timeMs);
    const own = lines.get(file);
    if (own !== undefined) own.push(lineOf(content));
    else {
      makePrivateDir(join(stateDir, FOLDER));
      makePrivateDir(folder);
      lines.set(file, [lineOf(content)]);
    }
  }
  for (const [file, own] of lines) append(file, own);
}

function append(file: string, lines: readonly string[]): void {
  // Never through a link that somebody has laid there, and through to the disk.
  const { O_WRONLY, O_CREAT, O_APPEND, O_NOFOLLOW, O_SYNC } = constants;
  const fd = openSync(file, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_SYNC, 0o600);
  try {
    // A line that a crash has torn ends here.
    writeFileSync(fd, `\n${lines.join('\n')}\n`);
  } finally {
    closeSync(fd);
  }
}

function lineOf({ requestId, parts }: SealedContent): string {
  const texts = Object.entries(parts).map(([part, sealed]) => [part, Buffer.from(sealed).toString('base64')]);
  return JSON.stringify({ request: requestId, ...Object.fromEntries(texts) });
}

/** The content of a request that ended then; undefined where there is none any more. */
export async function readContent(
  stateDir: string,
  { requestId, timeMs }: Pick<SealedContent, 'requestId' | 'timeMs'>,
): Promise<SealedContent['parts'] | undefined> {
  const begin = `{"request":${JSON.stringify(requestId)},`;
  const stream = createReadStream(fileOf(stateDir, timeMs).file);
  try {
    for await (const line of createInterface({ input: stream, crlfDelay: Infinity })) {
      const parts = line.startsWith(begin) ? partsOf(line) : undefined;
      if (parts !== undefined) return parts;
    }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  } finally {
    stream.destroy();
  }
  return undefined;
}

/** Undefined of a line that was torn. */
function partsOf(line: string): SealedContent['parts'] | undefined {
  try {
    const { prompt, completion } = JSON.parse(line) as Readonly<Record<string, unknown>>;
    return { ...sealedOf('prompt', prompt), ...sealedOf('completion', completion) };
  } catch {
    return undefined;
  }
}

const sealedOf = (part: ContentPart, text: unknown): SealedContent['parts'] =>
  typeof text === 'string' ? { [part]: Buffer.from(text, 'base64') } : {};

/** Deletes what has ended before that time: whole hours, and days that are empty then. @throws Error of the system */
export function deleteContentBefore(stateDir: string, beforeMs: number): void {
  const root = join(stateDir, FOLDER);
  for (const day of namesIn(root)) {
    const names = namesIn(join(root, day));
    const old = names.filter((name) => endOf(`${day}/${name}`) <= beforeMs);
    for (const name of old) rmSync(join(root, day, name), { force: true });
    // Today's may get its first file just now: only one that had some is taken away.
    if (old.length > 0 && old.length === names.length) rmSync(join(root, day), { recursive: true, force: true });
  }
}

/** When the last content of a file has ended; of what is no file of content never. */
function endOf(name: string): number {
  const [, day, hour] = FILE.exec(name) ?? [];
  return day === undefined ? Infinity : Date.parse(`${day}T${hour}:00:00Z`) + HOUR_MS;
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return [];
    throw error;
  }
}
