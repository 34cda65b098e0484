import { crashRounds } from '../test/support/crash.ts';

/** The long run: 20 kills in the midst of work (3 of them run in `npm test`). */
const rounds = Number(process.argv[2] ?? 20);
const { created, revoked } = await crashRounds(rounds, Math.random);
process.stdout.write(`${rounds} kills: ${created} acknowledged keys hold, ${revoked} of them revoked\n`);
