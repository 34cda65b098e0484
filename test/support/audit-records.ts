import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** An event of the audit log, as far as tests read it. */
export interface AuditEvent {
  readonly metadata: { readonly sequence: number; readonly uid?: string; readonly event_code?: string };
  readonly class_uid: number;
  readonly activity_name: string;
  readonly status_id?: number;
  readonly status_code?: string;
  readonly actor?: { readonly user?: { readonly uid?: string; readonly credential_uid?: string } };
  readonly entity?: { readonly type: string; readonly uid: string };
  readonly unmapped?: Readonly<Record<string, unknown>>;
}

/** All records of a state directory, in their order. A last line that a crash has torn is left out. */
export function auditRecords(stateDir: string): readonly AuditEvent[] {
  return auditText(stateDir)
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as AuditEvent);
}

/** The same, as they stand in their files. */
export function auditText(stateDir: string): string {
  const folder = join(stateDir, 'audit-log');
  return readdirSync(folder)
    .filter((name) => name.endsWith('.jsonl'))
    .sort()
    .map((name) => readFileSync(join(folder, name), 'utf8'))
    .join('');
}
