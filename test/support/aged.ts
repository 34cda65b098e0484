import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** Lets time pass for what the authorization server keeps: as if all of a kind had been made and used so much earlier. */
export function ageArtifacts(stateDir: string, kind: string, byMs: number): void {
  const db = new DatabaseSync(join(stateDir, 'sallyport.db'), { timeout: 3_000 });
  try {
    db.prepare(
      'UPDATE artifacts SET created_at_ms = created_at_ms - ?, consumed_at_ms = consumed_at_ms - ? WHERE kind = ?',
    ).run(byMs, byMs, kind);
  } finally {
    db.close();
  }
}

/** Seconds from making to expiry of all that is kept of a kind. */
export function lifetimesOf(stateDir: string, kind: string): number[] {
  const db = new DatabaseSync(join(stateDir, 'sallyport.db'), { readOnly: true });
  try {
    const rows = db.prepare('SELECT expires_at_ms - created_at_ms AS ms FROM artifacts WHERE kind = ?').all(kind);
    return rows.map(({ ms }) => Number(ms) / 1000);
  } finally {
    db.close();
  }
}
