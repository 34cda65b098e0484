import { choice, duration, flag, group, later, laterList } from '../kernel/option.ts';

/** The tamper-evident audit log. */
export const auditLogConfig = group({
  enabled: flag().prefault(true).describe('Records every decision and change in audit-log/ of the state directory.'),
  content: later('none'),
  flush: duration('1ms', '10s').prefault('50ms').describe('How long a record waits before it is written, at most.'),
  durability: choice('batched', 'strict')
    .prefault('batched')
    .describe('strict: nothing is answered, and nothing sent upstream, before its record is on disk.'),
  onFailure: choice('continue', 'deny')
    .prefault('continue')
    .describe('Whether requests go on while records cannot be written, or are refused with store_unavailable.'),
  retention: later('none'),
  copies: laterList(),
  ship: laterList(),
})
  .prefault({})
  .transform(({ flush, ...rest }) => ({ ...rest, flushMs: flush }));
