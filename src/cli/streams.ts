import { streamList, streamStopped, type StreamShown } from '../admin/streams.ts';
import { askOne, withAdmin } from './admin-client.ts';
import type { Command, CommandIo } from './command.ts';
import type { Flags } from './flags.ts';
import { json, table } from './text.ts';
import { runVerb, type Verb } from './verbs.ts';

/** Requests that run now. */
export const streams: Command = {
  name: 'streams',
  summary: 'see what upstreams are answering now, for whom, and end it',
  help: `sallyport streams list [--json]
sallyport streams stop ID [--json]

ID is the x-request-id of the answer. stop ends one request: its caller gets an error event, and vLLM stops working for it.
To end all of a key at once, and for good: sallyport keys revoke.

Example: sallyport streams list`,
  run: (words, io) => runVerb('streams', VERBS, [], words.length === 0 ? ['list'] : words, io),
};

const VERBS: readonly Verb[] = [
  { name: 'list', kinds: {}, words: [], run: list },
  { name: 'stop', kinds: {}, words: ['ID'], run: stop },
];

async function list(flags: Flags, io: CommandIo): Promise<number> {
  const { items } = await withAdmin(flags, io, (client) => client.ask({ method: 'GET', path: '/streams' }, streamList));
  if (flags.has('json')) io.out(json(items));
  else if (items.length === 0) io.out('Nothing is being answered.\n');
  else io.out(table([HEAD, ...items.map(rowOf)]));
  return 0;
}

const HEAD = ['ID', 'HOLDER', 'TENANT', 'ADDRESS', 'ROUTE', 'MODEL', 'AGE', 'TOKENS', 'TOKENS/S'];

const rowOf = (one: StreamShown): readonly string[] => [
  ...[one.id, one.holder, one.tenant, one.address, one.route, one.model ?? '-'],
  ...[`${(one.ageMs / 1000).toFixed(1)} s`, String(one.outputTokens), String(one.tokensPerSecond)],
];

async function stop(flags: Flags, io: CommandIo): Promise<number> {
  const path = `/streams/${encodeURIComponent(flags.words[0] ?? '')}/stop`;
  const unknown = 'No request of this id is being answered. See: sallyport streams list';
  const done = await withAdmin(flags, io, (client) => askOne(client, { method: 'POST', path }, streamStopped, unknown));
  io.out(flags.has('json') ? json(done) : `stopped ${done.id} of ${done.holder}\n`);
  return 0;
}
