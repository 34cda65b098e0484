import type * as z from 'zod';
import { signingKeyList } from '../admin/signing-keys.ts';
import { withAdmin } from './admin-client.ts';
import type { Command, CommandIo } from './command.ts';
import type { Flags } from './flags.ts';
import { json, table, timeText } from './text.ts';
import { runVerb, type Verb } from './verbs.ts';

/** Signing keys of the authorization server. */
export const signingKeys: Command = {
  name: 'signing-keys',
  summary: 'list and rotate the keys that tokens are signed with',
  help: `sallyport signing-keys list [--json]
sallyport signing-keys rotate [--overlap 1d] [--json]

The keys are made by the gateway and kept encrypted. rotate makes new ones, with which tokens are signed from then on; what
the keys before have signed still counts for --overlap.

Example: sallyport signing-keys rotate --overlap 1d`,
  run: (words, io) => runVerb('signing-keys', VERBS, [], words, io),
};

const VERBS: readonly Verb[] = [
  { name: 'list', kinds: {}, words: [], run: list },
  { name: 'rotate', kinds: { overlap: 'text' }, words: [], run: rotate },
];

async function list(flags: Flags, io: CommandIo): Promise<number> {
  show(
    await withAdmin(flags, io, (client) => client.ask({ method: 'GET', path: '/signing-keys' }, signingKeyList)),
    flags,
    io,
  );
  return 0;
}

async function rotate(flags: Flags, io: CommandIo): Promise<number> {
  const body = { overlap: flags.text('overlap') };
  show(
    await withAdmin(flags, io, (client) =>
      client.ask({ method: 'POST', path: '/signing-keys/rotate', body }, signingKeyList),
    ),
    flags,
    io,
  );
  return 0;
}

function show({ items }: z.output<typeof signingKeyList>, flags: Flags, io: CommandIo): void {
  if (flags.has('json')) return io.out(json(items));
  const rows = items.map((one) => [one.kid, one.alg, one.use, timeText(one.createdAt, ''), timeText(one.until, '-')]);
  io.out(table([['KEY ID', 'ALGORITHM', 'USE', 'CREATED', 'COUNTS UNTIL'], ...rows]));
}
