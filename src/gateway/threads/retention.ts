import type { AuditLogWriter } from '../../adapters/audit-log/writer.ts';
import { shippedBefore } from '../../adapters/files/ship-position.ts';
import type { RecordRules } from './records-messages.ts';

/** How much longer than others records are kept that were not sent yet: a disk must not fill for a SIEM that is gone. */
const UNSENT_FACTOR = 2;

/**
 * Deletes what is older than retention says and was sent everywhere, and whatever is twice as old.
 *
 * @throws AuditLogWriteError
 */
export function applyRetention(
  log: Pick<AuditLogWriter, 'origin' | 'retain'>,
  { retentionMs, shipTo }: Pick<RecordRules, 'retentionMs' | 'shipTo'>,
  stateDir: string,
  nowMs: number,
): void {
  if (retentionMs === 'none') return;
  log.retain(nowMs - retentionMs, shippedBefore(stateDir, shipTo, log.origin));
  if (shipTo.length > 0) log.retain(nowMs - UNSENT_FACTOR * retentionMs);
}
