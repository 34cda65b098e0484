import { openAuditLog, type AuditLogWriter } from '../adapters/audit-log/writer.ts';
import { openNameKeys } from '../adapters/files/audit-names.ts';
import type { StateDir } from '../adapters/files/state-dir.ts';
import { createNames } from '../audit-log/names.ts';
import { createOcsf } from '../audit-log/ocsf.ts';
import { createChangeLog, type ChangeLog } from '../gateway/change-log.ts';
import { VERSION } from '../gateway/version.ts';
import { systemClock } from '../kernel/clock.ts';
import type { ChangeRecord } from '../kernel/record.ts';

/** What a command changes while no gateway runs. */
export interface OfflineRecords {
  readonly changes: ChangeLog;
  /** Whether what is changed could be written; the log is open then until it was. */
  canWrite(): boolean;
  /** Writes what was changed to the audit log. @throws Error where it cannot be written: what was changed stays changed */
  write(): void;
}

/** Collects changes, for a log that is opened only where there are any. */
export function offlineRecords(stateDir: Pick<StateDir, 'path'>): OfflineRecords {
  let waiting: ChangeRecord[] = [];
  let open: AuditLogWriter | undefined;
  const opened = (): AuditLogWriter => (open ??= openAuditLog({ stateDir: stateDir.path, clock: systemClock }));
  return {
    canWrite() {
      try {
        opened();
        return true;
      } catch {
        return false;
      }
    },
    changes: createChangeLog(
      () => systemClock.nowMs(),
      (change) => waiting.push(change),
    ),
    write() {
      if (waiting.length === 0) {
        open?.close();
        open = undefined;
        return;
      }
      const records = waiting;
      waiting = [];
      const keys = openNameKeys(stateDir.path);
      const textOf = createOcsf(
        VERSION,
        createNames((tenant, isNew) => keys.keyOf(tenant, isNew)),
      );
      const log = opened();
      open = undefined;
      try {
        log.append(records.map(textOf));
      } finally {
        log.close();
      }
    },
  };
}
