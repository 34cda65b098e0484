import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import type { AuditEntry, AuditFilter } from '../../audit-log/entry.ts';

/** Where a record stands. */
export interface RecordPlace {
  /** First sequence number of its segment. */
  readonly segment: number;
  /** Bytes before it, and of it without the newline. */
  readonly at: number;
  readonly length: number;
}

/** What is known of the records of a log, beside its segments: made from them, and made anew where it is lost. */
export interface AuditIndex {
  /** Bytes of a segment that are known. */
  known(segment: number): number;
  /** Adds what was read of a segment, up to so many bytes of it. */
  add(segment: number, entries: readonly (readonly [AuditEntry, RecordPlace])[], bytes: number): void;
  /** Forgets what is not of these segments any more, or lies behind the end of one. */
  keepOnly(segments: readonly { readonly first: number; readonly bytes: number }[]): void;
  /** Records that a filter lets through, the newest first. @param before only those with smaller numbers */
  find(filter: AuditFilter, limit: number, before: number): readonly (RecordPlace & { readonly sequence: number })[];
  close(): void;
}

/** Other forms are thrown away and made anew. */
const FORM = 3;
const TABLES = `
  CREATE TABLE log (origin TEXT NOT NULL) STRICT;
  CREATE TABLE segments (first INTEGER PRIMARY KEY, bytes INTEGER NOT NULL) STRICT;
  CREATE TABLE records (sequence INTEGER PRIMARY KEY, segment INTEGER NOT NULL, at INTEGER NOT NULL, length INTEGER NOT NULL,
    time_ms INTEGER NOT NULL, request TEXT, credential TEXT, tenant TEXT, code TEXT, model TEXT, address TEXT, object TEXT,
    person TEXT, kind TEXT NOT NULL) STRICT;
  CREATE INDEX by_time ON records (time_ms);
  CREATE INDEX by_request ON records (request) WHERE request IS NOT NULL;
  CREATE INDEX by_credential ON records (credential, sequence) WHERE credential IS NOT NULL;
  CREATE INDEX by_object ON records (object, sequence) WHERE object IS NOT NULL;
  CREATE INDEX by_person ON records (person, sequence) WHERE person IS NOT NULL;
  CREATE INDEX by_address ON records (address, sequence) WHERE address IS NOT NULL;
  CREATE INDEX by_code ON records (code, sequence) WHERE code IS NOT NULL;`;
const ADD = `INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

/**
 * Opens the index of a log; another process may work with it.
 *
 * @param origin which log it is. What is known of another one, which was moved away, is forgotten: the segments of both have
 *   the same names, and what is new would be taken for what is known already
 */
export function openAuditIndex(path: string, origin: string): AuditIndex {
  const db = new DatabaseSync(path, { limits: { attach: 0 }, timeout: 10_000 });
  // What is lost in a crash is read again from the segments.
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA trusted_schema = OFF;');
  inOneStep(db, () => {
    const { user_version: form } = db.prepare('PRAGMA user_version').get() as { user_version: number };
    if (form === FORM && (db.prepare('SELECT origin FROM log').get() as { origin: string }).origin === origin) return;
    db.exec(`DROP TABLE IF EXISTS log; DROP TABLE IF EXISTS segments; DROP TABLE IF EXISTS records; ${TABLES}`);
    db.prepare('INSERT INTO log VALUES (?)').run(origin);
    db.exec(`PRAGMA user_version = ${FORM}`);
  });
  const known = db.prepare('SELECT bytes FROM segments WHERE first = ?');
  const setKnown = db.prepare('INSERT OR REPLACE INTO segments VALUES (?, ?)');
  const insert = db.prepare(ADD);

  return {
    known: (segment) => (known.get(segment) as { bytes: number } | undefined)?.bytes ?? 0,
    add(segment, entries, bytes) {
      inOneStep(db, () => {
        for (const [entry, { at, length }] of entries) {
          const { request, credential, tenant, code, model, address, object, person } = entry;
          const texts = [request, credential, tenant, code, model, address, object, person].map((text) => text ?? null);
          insert.run(entry.sequence, segment, at, length, entry.timeMs, ...texts, entry.kind);
        }
        setKnown.run(segment, bytes);
      });
    },
    keepOnly(segments) {
      const rows = db.prepare('SELECT first, bytes FROM segments').all() as unknown as {
        first: number;
        bytes: number;
      }[]; // the columns above
      const sizes = new Map(segments.map(({ first, bytes }) => [first, bytes]));
      const gone = rows.filter(({ first, bytes }) => bytes > (sizes.get(first) ?? -1));
      if (gone.length === 0) return;
      inOneStep(db, () => {
        for (const { first } of gone) {
          db.prepare('DELETE FROM records WHERE segment = ?').run(first);
          db.prepare('DELETE FROM segments WHERE first = ?').run(first);
        }
      });
    },
    find(filter, limit, before) {
      const { where, values } = conditionsOf(filter);
      const rows = db
        .prepare(
          `SELECT sequence, segment, at, length FROM records WHERE ${['sequence < ?', ...where].join(' AND ')}
           ORDER BY sequence DESC LIMIT ?`,
        )
        .all(before, ...values, limit);
      return rows as unknown as readonly (RecordPlace & { readonly sequence: number })[]; // the columns above
    },
    close: () => db.close(),
  };
}

function conditionsOf(filter: AuditFilter): { readonly where: readonly string[]; readonly values: SQLInputValue[] } {
  const where: string[] = [];
  const values: SQLInputValue[] = [];
  const add = (condition: string, ...own: readonly (SQLInputValue | undefined)[]): void => {
    const given = own.filter((value) => value !== undefined);
    if (given.length !== own.length) return;
    where.push(condition);
    values.push(...given);
  };
  add('time_ms >= ?', filter.sinceMs);
  add('time_ms < ?', filter.untilMs);
  add('request = ?', filter.request);
  // What was done with it, and to it.
  const of = filter.credential;
  add('(credential = ? OR object IN (?, ?, ?))', of, of, of?.replace(/^key:/, 'api-keys/'), of && `quarantine/${of}`);
  add('tenant = ?', filter.tenant);
  add('code = ?', filter.code);
  add('model = ?', filter.model);
  add('object = ?', filter.object);
  add('kind = ?', filter.kind);
  add(`address IN ${LISTED}`, listed(filter.addresses));
  const people = listed(filter.people);
  add(
    `(person IN ${LISTED} OR object IN ${LISTED})`,
    people,
    listed(filter.people?.flatMap((name) => [name, `quarantine/${name}`])),
  );
  return { where, values };
}

/** As many tenants as there are: there may be more than a statement takes values. */
const LISTED = '(SELECT value FROM json_each(?))';
const listed = (texts: readonly string[] | undefined): string | undefined => texts && JSON.stringify(texts);

function inOneStep(db: DatabaseSync, run: () => void): void {
  try {
    db.exec('BEGIN IMMEDIATE');
    run();
    db.exec('COMMIT');
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}
