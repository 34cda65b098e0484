import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { auditLogPlaces } from '../../src/adapters/audit-log/folder.ts';
import { verifyLog } from '../../src/adapters/audit-log/verify.ts';
import { openAuditLog, type AuditLogOptions } from '../../src/adapters/audit-log/writer.ts';
import type { Fault } from '../../src/audit-log/fault.ts';
import { parseVerifier } from '../../src/audit-log/note.ts';
import { settableClock } from './clock.ts';

/** Time of record 0. */
export const FIRST_RECORD_MS = 1_700_000_000_000;

/** A record as others write it. @param n names it, and is the milliseconds since the first one */
export const record = (n: number, text = ''): string =>
  JSON.stringify({ metadata: { version: '1.8.0', uid: `r${n}` }, time: FIRST_RECORD_MS + n, text });

let root: string | undefined;

/** A state directory of its own, gone when the process ends. */
export function newStateDir(): string {
  if (root === undefined) {
    const made = mkdtempSync(join(tmpdir(), 'sallyport-audit-log-'));
    process.once('exit', () => rmSync(made, { recursive: true, force: true }));
    root = made;
  }
  return mkdtempSync(join(root, 'state-'));
}

/** Opens a log with a clock that stands. */
export const openLog = (stateDir: string, more: Partial<AuditLogOptions> = {}) =>
  openAuditLog({ stateDir, clock: settableClock(), ...more });

/** A closed log of records in groups, each of them signed. @returns its state directory */
export function writtenLog(groups: readonly (readonly string[])[], more: Partial<AuditLogOptions> = {}): string {
  const stateDir = newStateDir();
  const log = openLog(stateDir, more);
  for (const group of groups) {
    log.append(group);
    log.checkpoint();
  }
  log.close();
  return stateDir;
}

/** A copy of a state directory, to be spoilt. */
export function copied(stateDir: string): string {
  const dir = newStateDir();
  cpSync(stateDir, dir, { recursive: true });
  return dir;
}

/** Checks a log by its own files; without the checkpoint that is kept beside the folder unless it is asked for. */
export function verified(
  stateDir: string,
  {
    keyOf = stateDir,
    copies = [],
    copyFiles,
  }: { readonly keyOf?: string; readonly copies?: readonly string[]; readonly copyFiles?: readonly string[] } = {},
) {
  const places = auditLogPlaces(stateDir);
  const key = parseVerifier(readFileSync(auditLogPlaces(keyOf).publicKey, 'utf8'));
  assert.ok(key);
  return verifyLog({ ...places, key, copies, ...(copyFiles === undefined ? {} : { copyFiles }) });
}

/** The fault of a log that does not hold. */
export function faultOf(stateDir: string, more: Parameters<typeof verified>[1] = {}): Fault {
  const verdict = verified(stateDir, more);
  assert.equal(verdict.kind, 'broken', 'the fault is found');
  return verdict.fault;
}

/** What verifies of a log that holds. */
export function wholeOf(stateDir: string, more: Parameters<typeof verified>[1] = {}) {
  const verdict = verified(stateDir, more);
  assert.equal(verdict.kind, 'whole', verdict.kind === 'broken' ? JSON.stringify(verdict.fault) : '');
  return verdict;
}
