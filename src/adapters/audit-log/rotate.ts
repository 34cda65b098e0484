import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { systemClock } from '../../kernel/clock.ts';
import { auditLogPlaces } from './folder.ts';
import { openSigningKeys } from './signing-key.ts';
import { openAuditLog } from './writer.ts';

/** A running gateway looks for a new key once a second. */
const TAKEN_WITHIN_MS = 5_000;
const LOOK_EVERY_MS = 50;

/**
 * Has a new key sign a log from now on.
 *
 * @param isWritten whether another process writes the log: then that one is asked, by the key that is laid there for it
 * @returns the new key, as `name+hash+base64`; undefined where that process did not take it: then the next
 *   start of one does, for a key that may have been vouched for is not taken away again
 */
export async function rotateSigningKey(stateDir: string, isWritten: boolean): Promise<string | undefined> {
  if (isWritten) return askWriter(stateDir);
  const log = openAuditLog({ stateDir, clock: systemClock });
  try {
    return log.rotateKey();
  } finally {
    log.close();
  }
}

async function askWriter(stateDir: string): Promise<string | undefined> {
  const places = auditLogPlaces(stateDir);
  const shown = (): string => readFileSync(places.publicKey, 'utf8').trim();
  const before = shown();
  openSigningKeys(places).makeNext();
  for (let waitedMs = 0; waitedMs < TAKEN_WITHIN_MS; waitedMs += LOOK_EVERY_MS) {
    await setTimeout(LOOK_EVERY_MS);
    if (shown() !== before) return shown();
  }
  return undefined;
}
