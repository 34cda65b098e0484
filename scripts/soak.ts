import { killWhileWriting } from '../test/support/audit-log-crash.ts';
import { auditCrashRounds } from '../test/support/audit-crash.ts';
import { crashRounds } from '../test/support/crash.ts';

/**
 * The long run: 20 kills in the midst of work (a few of them run in `npm test`), 30 of what writes the audit log, and 30 of the
 * product under load with each durability.
 */
const rounds = Number(process.argv[2] ?? 20);
const { created, revoked } = await crashRounds(rounds, Math.random);
process.stdout.write(`${rounds} kills: ${created} acknowledged keys hold, ${revoked} of them revoked\n`);
const kills = Math.ceil(rounds * 1.5);
const records = await killWhileWriting(kills, Math.random);
process.stdout.write(`${kills} kills: the audit log has all ${records} records, and verifies\n`);
for (const durability of ['strict', 'batched'] as const) {
  const { answered, missing, oldestMissingMs } = await auditCrashRounds(kills, durability, Math.random);
  const lost =
    missing === 0 ? 'none is missing' : `${missing} are missing, the oldest ${oldestMissingMs} ms before its kill`;
  process.stdout.write(`${kills} kills, ${durability}: ${answered} answers, ${lost}; the log verifies\n`);
  if (durability === 'strict' && missing > 0) process.exitCode = 1;
}
