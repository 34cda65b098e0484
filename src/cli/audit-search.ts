import { AUDIT_KINDS, entryOf, type AuditEntry, type AuditKind, type AuditQuestion } from '../audit-log/entry.ts';
import { searchAuditLog } from '../gateway/audit-search.ts';
import { parseDurationMs } from '../kernel/units.ts';
import { isAddress, plainAddress } from '../wire/address.ts';
import { withoutUnseen } from '../wire/printable.ts';
import { UsageError, type CommandIo } from './command.ts';
import type { FlagKinds, Flags } from './flags.ts';
import { countOf, quietJson, table } from './text.ts';
import { stateDirOf } from './places.ts';

/** Flags of what is looked for. */
export const SEARCH_FLAGS = {
  ...{ since: 'text', until: 'text', request: 'text', key: 'text', tenant: 'text', code: 'text' },
  ...{ model: 'text', ip: 'text', kind: 'text', limit: 'text', format: 'text' },
} as const satisfies FlagKinds;

const MAX_SHOWN = 10_000;
const PAGE = 1_000;

/** Shows the records that were looked for, the newest first. */
export function search(flags: Flags, io: CommandIo): number {
  const limit = countOf(flags, 'limit', 1, MAX_SHOWN) ?? 50;
  const { records, next } = searchAuditLog(stateDirOf(flags, io.env), { ...questionOf(flags), limit });
  if (flags.has('json')) {
    for (const record of records) io.out(`${quietJson(record)}\n`);
    return 0;
  }
  if (records.length === 0) {
    io.out('Nothing was found.\n');
    return 0;
  }
  const entries = records.map(entryOf).filter((entry) => entry !== undefined);
  io.out(table([HEAD, ...entries.map(rowOf)]));
  if (next !== undefined) io.err(`There are more: give --limit, or --until ${timeOf(entries.at(-1))}\n`);
  return 0;
}

/** Writes all of them, the newest first, as JSON Lines or CSV. */
export function exportAll(flags: Flags, io: CommandIo): number {
  const format = flags.text('format') ?? 'jsonl';
  if (format !== 'jsonl' && format !== 'csv') throw new UsageError('--format is jsonl or csv');
  const question = questionOf(flags);
  const stateDir = stateDirOf(flags, io.env);
  if (format === 'csv') io.out(`${COLUMNS.join(',')}\n`);
  for (let before: number | undefined = Number.MAX_SAFE_INTEGER; before !== undefined;) {
    const { records, next } = searchAuditLog(stateDir, { ...question, limit: PAGE, before });
    io.out(records.map((record) => `${format === 'csv' ? csvOf(record) : quietJson(record)}\n`).join(''));
    before = next;
  }
  return 0;
}

function questionOf(flags: Flags): Omit<AuditQuestion, 'limit'> {
  const key = flags.text('key');
  const ip = flags.text('ip');
  if (ip !== undefined && !isAddress(ip)) throw new UsageError('--ip takes an IPv4 or IPv6 address');
  return {
    sinceMs: timeIn(flags, 'since'),
    untilMs: timeIn(flags, 'until'),
    request: flags.text('request'),
    credential: key === undefined ? undefined : `key:${key}`,
    tenant: flags.text('tenant'),
    code: flags.text('code'),
    model: flags.text('model'),
    address: ip === undefined ? undefined : plainAddress(ip),
    kind: kindOf(flags.text('kind')),
  };
}

function kindOf(text: string | undefined): AuditKind | undefined {
  const kind = AUDIT_KINDS.find((one) => one === text);
  if (text !== undefined && kind === undefined) throw new UsageError(`--kind is one of: ${AUDIT_KINDS.join(', ')}`);
  return kind;
}

/** A time that a flag gives, or how long ago; milliseconds since the epoch. @throws UsageError */
export function timeIn(flags: Flags, name: string): number | undefined {
  const text = flags.text(name);
  if (text === undefined) return undefined;
  const ago = parseDurationMs(text);
  const atMs = ago === undefined ? Date.parse(text) : Date.now() - ago;
  if (Number.isNaN(atMs))
    throw new UsageError(`--${name} takes a time such as 2026-11-26T14:00:00Z, or 30m, 8h, 7d ago`);
  return atMs;
}

const HEAD = ['TIME', 'SEQUENCE', 'KIND', 'CODE', 'CREDENTIAL', 'TENANT', 'ADDRESS', 'MODEL', 'OBJECT', 'REQUEST'];

const timeOf = (entry: AuditEntry | undefined): string => new Date(entry?.timeMs ?? 0).toISOString();

const rowOf = (entry: AuditEntry): readonly string[] => [
  ...[timeOf(entry), String(entry.sequence), entry.kind, entry.code ?? '-', entry.credential ?? '-'],
  ...[entry.tenant ?? '-', entry.address ?? '-', entry.model ?? '-', entry.object ?? '-', entry.request ?? '-'],
];

const COLUMNS = [
  ...['time', 'sequence', 'kind', 'code', 'credential', 'tenant', 'address', 'model', 'object', 'request'],
] as const;

function csvOf(record: string): string {
  const entry = entryOf(record);
  return entry === undefined
    ? ''
    : COLUMNS.map((name) => cellOf(name === 'time' ? timeOf(entry) : entry[name])).join(',');
}

/** RFC 4180; what a spreadsheet would take for a formula is text, and so is what a terminal would obey. */
export function cellOf(value: string | number | undefined): string {
  const text = withoutUnseen(String(value ?? ''));
  const safe = /^\s*[=+\-@\uff1d\uff0b\uff0d\uff20]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
