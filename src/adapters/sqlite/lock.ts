import { DatabaseSync } from 'node:sqlite';

/** Holds the state directory for one process; the kernel frees it when the process dies, however it dies. */
export interface StateLock {
  release(): void;
}

/** Takes the lock file's exclusive transaction; undefined where another process holds it. */
export function takeStateLock(path: string): StateLock | undefined {
  const db = new DatabaseSync(path, { limits: { attach: 0 }, timeout: 0 });
  try {
    db.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (error) {
    db.close();
    if (error instanceof Error && 'errcode' in error && (error.errcode === 5 || error.errcode === 261))
      return undefined;
    throw error;
  }
  return {
    release: () => {
      db.close();
    },
  };
}
