import { randomBytes } from 'node:crypto';
import { basename, dirname } from 'node:path';
import { parseCheckpoint } from '../../audit-log/checkpoint.ts';
import type { Signer } from '../../audit-log/note.ts';
import { lastKey, parseKeyChain, signFirstKey, type KeyChain } from '../../audit-log/statement.ts';
import { makePrivateDir, writeAtomically } from '../tls/private-files.ts';
import { bytesIfThere, MAX_STATEMENT_BYTES, segmentsIn, type AuditLogPlaces } from './folder.ts';
import { AuditLogDamaged, recoverLog, type RecoveredLog } from './recover.ts';
import { openSigningKeys, type SigningKeyFiles } from './signing-key.ts';

/** A log with its key, ready to be written. */
export interface OpenedLog extends RecoveredLog {
  readonly origin: string;
  readonly signer: Signer;
  readonly keys: SigningKeyFiles;
  /** Another log whose checkpoint lay beside the folder while this one has no record yet. */
  readonly replaces: string | undefined;
}

/**
 * Opens the log that is there, or begins one.
 *
 * @throws AuditLogDamaged
 */
export function openedLog(places: AuditLogPlaces): OpenedLog {
  makePrivateDir(dirname(places.key));
  makePrivateDir(places.folder);
  const keys = openSigningKeys(places);
  const chain = chainIn(places) ?? begun(places, keys);
  const signer = signerOf(places, keys, chain);
  const log = recoverLog(places, chain);
  return {
    ...log,
    origin: chain.origin,
    signer,
    keys,
    replaces: log.tree.size === 0 ? otherIn(places, chain) : undefined,
  };
}

function chainIn(places: AuditLogPlaces): KeyChain | undefined {
  const text = bytesIfThere(places.keyChain, MAX_STATEMENT_BYTES)?.toString();
  const chain = text === undefined ? undefined : parseKeyChain(text);
  if (chain !== undefined) return chain;
  if (text === undefined && segmentsIn(places.folder).length === 0) return undefined;
  const why = `its file ${basename(places.keyChain)} is ${text === undefined ? 'gone' : 'damaged'}`;
  throw new AuditLogDamaged(why, places.folder);
}

/** A new log, with a name that no other has: nobody takes another instance's log for this one. */
function begun(places: AuditLogPlaces, keys: SigningKeyFiles): KeyChain {
  const origin = `sallyport/${randomBytes(8).toString('hex')}`;
  if (keys.current(origin) === undefined) keys.makeCurrent();
  const signer = keys.current(origin);
  if (signer === undefined) throw new AuditLogDamaged('its signing key is gone', places.folder);
  keys.publish(signer);
  writeAtomically(places.keyChain, signFirstKey(signer), 0o600);
  return { origin, links: [{ verifier: signer.verifier, fromSize: 0, head: undefined }] };
}

/** The key that signs now. A change of keys that a crash has cut short ends here. */
function signerOf(places: AuditLogPlaces, keys: SigningKeyFiles, chain: KeyChain): Signer {
  const { origin } = chain;
  const last = lastKey(chain)?.text;
  const current = keys.current(origin);
  if (current !== undefined && current.verifier.text === last) return current;
  const next = keys.next(origin);
  if (next === undefined || next.verifier.text !== last) {
    throw new AuditLogDamaged(`${places.key} is not the key that signs it: restore it from a backup`, places.folder);
  }
  keys.promote(next);
  return next;
}

function otherIn({ lastCheckpoint }: AuditLogPlaces, { origin }: KeyChain): string | undefined {
  const kept = parseCheckpoint(bytesIfThere(lastCheckpoint, MAX_STATEMENT_BYTES)?.toString() ?? '');
  return kept === undefined || kept.origin === origin ? undefined : `${kept.origin} of ${kept.size} records`;
}
