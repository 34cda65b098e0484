import { chmodSync, closeSync, openSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import { basename, dirname } from 'node:path';

/** Another process serves this socket or port; `message` is one line with the way out. */
export class ListenError extends Error {
  readonly code = 'listen';
}

/**
 * Binds through a descriptor of the state directory, for a path over 107 bytes fails (unix(7)). The lock of the state
 * directory is ours by now, so a socket that lies there was left by a process that died.
 */
export async function listenUnix(server: Server, path: string): Promise<void> {
  rmSync(path, { force: true });
  const directory = openSync(dirname(path), 'r');
  const mask = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(new ListenError(`${path} cannot be bound: ${error.message}`)));
      server.listen(`/proc/self/fd/${directory}/${basename(path)}`, resolve);
    });
    chmodSync(path, 0o600);
  } finally {
    process.umask(mask);
    closeSync(directory);
  }
}
