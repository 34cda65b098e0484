import type * as z from 'zod';
import { usageList } from '../admin/usage.ts';
import { withAdmin } from './admin-client.ts';
import type { Command, CommandIo } from './command.ts';
import { parseFlags, type Flags } from './flags.ts';
import { json, listOf, table } from './text.ts';
import { expectWords } from './verbs.ts';

/** Tokens and cost. */
export const usage: Command = {
  name: 'usage',
  summary: 'tokens and cost per tenant, key and model',
  help: `sallyport usage [--from DAY] [--to DAY] [--by tenant,holder,model,day] [--tenant T] [--key ID] [--model M] [--json]

Sums up what was used from the first of this month until today, or of the days (UTC) that are named, the most first. A holder
is an API key, or the subject of an issuer's tokens. Cost is by limits.prices, in their unit. What was used in the last second
may be missing.

Example: sallyport usage --from 2026-11-01 --by tenant,model`,
  async run(words, io) {
    const flags = parseFlags(words, KINDS);
    expectWords(flags, [], 'sallyport usage');
    const list = await withAdmin(flags, io, (client) => client.ask({ method: 'GET', path: pathOf(flags) }, usageList));
    if (flags.has('json')) io.out(json(list));
    else show(list, io);
    return 0;
  },
};

const KINDS = {
  from: 'text',
  to: 'text',
  by: 'list',
  tenant: 'text',
  key: 'text',
  model: 'text',
} as const;

function pathOf(flags: Flags): string {
  const query = new URLSearchParams();
  for (const name of ['from', 'to', 'tenant', 'model'] as const) {
    const value = flags.text(name);
    if (value !== undefined) query.set(name, value);
  }
  const key = flags.text('key');
  if (key !== undefined) query.set('holder', `key:${key}`);
  const by = listOf(flags, 'by');
  if (by !== undefined) query.set('by', by.join(','));
  return query.size === 0 ? '/usage' : `/usage?${query.toString()}`;
}

function show({ from, to, items }: z.output<typeof usageList>, io: CommandIo): void {
  if (items.length === 0) return io.out(`Nothing was used from ${from} to ${to}.\n`);
  const rows = items.map((one) => [
    ...[one.tenant, one.holder, one.model, one.day].map((value) => value ?? 'all'),
    ...[one.requests, one.inputTokens, one.cachedTokens, one.outputTokens].map(String),
    one.cost.toFixed(6),
  ]);
  io.out(table([['TENANT', 'HOLDER', 'MODEL', 'DAY', 'REQUESTS', 'INPUT', 'CACHED', 'OUTPUT', 'COST'], ...rows]));
}
