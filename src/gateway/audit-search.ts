import { join } from 'node:path';
import {
  auditLogPlaces,
  bytesIfThere,
  MAX_STATEMENT_BYTES,
  segmentOf,
  segmentsIn,
  sizeIfThere,
  type Segment,
} from '../adapters/audit-log/folder.ts';
import { readLinesFrom, textAt } from '../adapters/audit-log/reading.ts';
import { openNameKeys } from '../adapters/files/audit-names.ts';
import { openAuditIndex, type AuditIndex, type RecordPlace } from '../adapters/sqlite/audit-index.ts';
import { entryOf, type AuditAnswer, type AuditEntry, type AuditQuestion } from '../audit-log/entry.ts';
import { createNames, type Names } from '../audit-log/names.ts';
import { withoutPerson } from '../audit-log/ocsf.ts';
import { parseKeyChain } from '../audit-log/statement.ts';

/** Entries that are added in one step. */
const STEP = 20_000;

/** Brings the index up to the end of the log and asks it. Takes as long as reading what is new. */
export function searchAuditLog(stateDir: string, question: AuditQuestion): AuditAnswer {
  const { address, limit, before, credential, ...filter } = question;
  const { folder, keyChain } = auditLogPlaces(stateDir);
  const keys = openNameKeys(stateDir);
  // Looking makes no keys.
  const names = createNames((tenant) => keys.keyOf(tenant, false));
  const index = openAuditIndex(join(stateDir, 'audit-log.index.db'), originIn(keyChain));
  try {
    catchUp(index, segmentsIn(folder));
    // An address has a name of each tenant.
    const addresses =
      address === undefined ? undefined : keys.tenants().map((tenant) => names.hide(tenant, 'address', address));
    // A subject stands nowhere in the clear: it is looked for under its names.
    const people =
      credential === undefined ? [] : keys.tenants().map((tenant) => withoutPerson(credential, tenant, names));
    const whose = people.some((name) => name !== credential) ? { people } : { credential };
    const found = index.find({ ...filter, ...whose, addresses }, limit + 1, before ?? Number.MAX_SAFE_INTEGER);
    const shown = found.slice(0, limit);
    return {
      records: shown.map(({ segment, at, length }) => revealed(textAt(segmentOf(folder, segment), at, length), names)),
      next: found.length > limit ? shown.at(-1)?.sequence : undefined,
    };
  } finally {
    index.close();
  }
}

/** Which log it is; empty where its statement of keys is not to be read. */
function originIn(keyChain: string): string {
  const text = bytesIfThere(keyChain, MAX_STATEMENT_BYTES)?.toString();
  return (text === undefined ? undefined : parseKeyChain(text)?.origin) ?? '';
}

function catchUp(index: AuditIndex, segments: readonly Segment[]): void {
  // Deleted by retention, or set back to what was before: what is not there any more is not found, and what is new there is.
  index.keepOnly(segments.map(({ first, records }) => ({ first, bytes: sizeIfThere(records) ?? -1 })));
  for (const segment of segments) {
    let entries: [AuditEntry, RecordPlace][] = [];
    let done = index.known(segment.first);
    const end = readLinesFrom(segment, done, (line, at) => {
      const entry = entryOf(line);
      const length = Buffer.byteLength(line);
      if (entry !== undefined) entries.push([entry, { segment: segment.first, at, length }]);
      done = at + length + 1;
      if (entries.length < STEP) return;
      index.add(segment.first, entries, done);
      entries = [];
    });
    if (entries.length > 0) index.add(segment.first, entries, end);
  }
}

/** A name that is all of a text, or the end of one behind a space. */
const NAME = /(?<=[" ])n1\.[A-Za-z0-9_-]+(?=")/g;

/** A line with the names of people and addresses read, as far as there is a key. */
function revealed(line: string, names: Names): string {
  const entry = entryOf(line);
  // Of a change the address is that of whoever made it, who may be of another tenant than what was changed.
  const tenants = new Set([entry?.tenant ?? '', entry?.actorTenant ?? '']);
  return line.replace(NAME, (name) => JSON.stringify(valueOf(name, tenants, names) ?? name).slice(1, -1));
}

function valueOf(name: string, tenants: ReadonlySet<string>, names: Names): string | undefined {
  for (const tenant of tenants) {
    const value = names.reveal(tenant, 'address', name) ?? names.reveal(tenant, 'person', name);
    if (value !== undefined) return value;
  }
  return undefined;
}
