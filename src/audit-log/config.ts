import * as z from 'zod';
import { choice, duration, durationOrNone, flag, group, list, size } from '../kernel/option.ts';
import { copyDestination } from './copy-config.ts';
import { shipDestination } from './ship-config.ts';

const SAMPLE_HINT = 'Give a part of all requests from 0 to 1, such as 0.1.';

/** The tamper-evident audit log. */
export const auditLogConfig = group({
  enabled: flag().prefault(true).describe('Records every decision and change in audit-log/ of the state directory.'),
  content: choice('none', 'hash', 'full')
    .prefault('none')
    .describe('What is kept of prompts and completions: nothing, keyed digests, or beside those the texts, encrypted.'),
  contentSample: z
    .number({ error: SAMPLE_HINT })
    .min(0, { error: SAMPLE_HINT })
    .max(1, { error: SAMPLE_HINT })
    .prefault(1)
    .describe('Part of the requests of which that is kept.'),
  contentMaxBytes: size('1KiB', '16MiB')
    .prefault('64KiB')
    .describe(
      'Bytes of a prompt, and of a completion, that full keeps; the rest is cut off. Digests are of all of it.',
    ),
  flush: duration('1ms', '10s').prefault('50ms').describe('How long a record waits before it is written, at most.'),
  durability: choice('batched', 'strict')
    .prefault('batched')
    .describe('strict: nothing is answered, and nothing sent upstream, before its record is on disk.'),
  onFailure: choice('continue', 'deny')
    .prefault('continue')
    .describe('Whether requests go on while records cannot be written, or are refused with store_unavailable.'),
  retention: durationOrNone('1d', '3650d')
    .prefault('none')
    .describe('How long records are kept; the hashes stay. What was not sent to ship is kept as long again.'),
  copies: list(copyDestination).prefault([]).describe('Second places for the signed checkpoints.'),
  ship: list(shipDestination).prefault([]).describe('Where the log is sent to, as it grows.'),
})
  .prefault({})
  .transform(({ flush, retention, ...rest }) => ({ ...rest, flushMs: flush, retentionMs: retention }));
