import { DatabaseSync } from 'node:sqlite';
import type { SharedNoteStore } from '../../directory/shared-holds.ts';
import { StoreUnavailable } from '../../directory/store.ts';

const PUT = `INSERT INTO shared_holds (id, record_version, version) VALUES (?, ?, ?)
  ON CONFLICT (id) DO UPDATE SET record_version = excluded.record_version, version = excluded.version`;

/** Opens the notes in the embedded store, whose tables are there already. */
export function openSqliteSharedNotes(path: string): SharedNoteStore & { close(): void } {
  const db = new DatabaseSync(path, { limits: { attach: 0 }, timeout: 3_000 });
  // Full: a note that is lost with the power would have an old hold told again as a new one.
  db.exec('PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;');
  const put = db.prepare(PUT);
  const read = db.prepare('SELECT id, record_version, version FROM shared_holds');
  return {
    readNotes: async () =>
      read
        .all()
        .map(
          (row) =>
            [
              String(row['id']),
              { recordVersion: Number(row['record_version']), version: Number(row['version']) },
            ] as const,
        ),
    async writeNotes(notes) {
      try {
        // Of one it is its own; of many one wait for the disk is enough.
        db.exec('BEGIN IMMEDIATE');
        for (const [id, { recordVersion, version }] of notes) put.run(id, recordVersion, version);
        db.exec('COMMIT');
      } catch (error) {
        if (db.isTransaction) db.exec('ROLLBACK');
        throw new StoreUnavailable(error instanceof Error ? error.message : String(error), { cause: error });
      }
    },
    close: () => db.close(),
  };
}
