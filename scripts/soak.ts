import { killWhileWriting } from '../test/support/audit-log-crash.ts';
import { crashRounds } from '../test/support/crash.ts';

/** The long run: 20 kills in the midst of work (3 of them run in `npm test`), and 30 of what writes the audit log. */
const rounds = Number(process.argv[2] ?? 20);
const { created, revoked } = await crashRounds(rounds, Math.random);
process.stdout.write(`${rounds} kills: ${created} acknowledged keys hold, ${revoked} of them revoked\n`);
const kills = Math.ceil(rounds * 1.5);
const records = await killWhileWriting(kills, Math.random);
process.stdout.write(`${kills} kills: the audit log has all ${records} records, and verifies\n`);
