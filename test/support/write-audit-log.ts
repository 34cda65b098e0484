import { openAuditLog } from '../../src/adapters/audit-log/writer.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { record } from './audit-log.ts';

/** Writes to an audit log until it is killed, and says after each group up to which number all is on the disk. */
const [stateDir = '', round = ''] = process.argv.slice(2);
const log = openAuditLog({ stateDir, clock: systemClock, segmentBytes: 20_000 });

function writeOn(i: number): void {
  log.append(Array.from({ length: 1 + (i % 13) }, (_, n) => record(n, `${round} ${'x'.repeat((i * 37) % 400)}`)));
  if (i % 5 === 0) log.checkpoint();
  process.stdout.write(`${log.size}\n`);
  setImmediate(writeOn, i + 1);
}

writeOn(1);
