import { openAuditLog } from '../../src/adapters/audit-log/writer.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { FIRST_RECORD_MS, record } from './audit-log.ts';

/** Writes to an audit log until it is killed, and says after each group up to which number all is on the disk. */
const [stateDir = '', round = ''] = process.argv.slice(2);
const log = openAuditLog({ stateDir, clock: systemClock, segmentBytes: 20_000 });

function writeOn(i: number): void {
  // Of now: what spans more than a crash leaves is no crash's doing.
  const sinceMs = Date.now() - FIRST_RECORD_MS;
  const text = `${round} ${'x'.repeat((i * 37) % 400)}`;
  log.append(Array.from({ length: 1 + (i % 13) }, (_, n) => record(sinceMs + n, text)));
  if (i % 5 === 0) log.checkpoint();
  process.stdout.write(`${log.size}\n`);
  setImmediate(writeOn, i + 1);
}

writeOn(1);
