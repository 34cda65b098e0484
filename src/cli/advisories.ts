import { readFileSync } from 'node:fs';
import { advisoryImport, advisoryList, type AdvisoryShown } from '../admin/advisories.ts';
import type { JsonValue } from '../kernel/json.ts';
import { advisoryFileFrom } from '../vllm/advisories/advisory.ts';
import { advisoriesFromOsv } from '../vllm/advisories/import-osv.ts';
import { withAdmin } from './admin-client.ts';
import { CommandError, type Command, type CommandIo } from './command.ts';
import { parseFlags, type Flags } from './flags.ts';
import { json, table } from './text.ts';
import { expectWords, runVerb, type Verb } from './verbs.ts';

/** The known holes of vLLM. */
export const advisories: Command = {
  name: 'advisories',
  summary: 'known holes of vLLM: not affected, patched here or exposed, and what to do; import newer ones',
  help: `sallyport advisories [--all] [--json]
sallyport advisories import FILE [--json]

Lists the holes that touch an upstream of the running gateway: patched here, or exposed with what to do. --all also lists
those that do not touch it. Without a running gateway every release counts as affected. import takes over records of the
OSV or PyPA databases (one record, an array, or {"vulns":[…]}) into the state directory and names what it could not map.

Example: sallyport advisories import vllm-osv.json`,
  run: (words, io) => (words[0] === 'import' ? runVerb('advisories', VERBS, [], words, io) : list(words, io)),
};

const VERBS: readonly Verb[] = [{ name: 'import', kinds: {}, words: ['FILE'], run: importFile }];

const STATES: Readonly<Record<string, number>> = { exposed: 0, patched: 1, 'not-affected': 2 };

async function list(words: readonly string[], io: CommandIo): Promise<number> {
  const flags = parseFlags([...words], { all: 'flag' });
  expectWords(flags, [], 'sallyport advisories');
  const { items } = await withAdmin(flags, io, (client) =>
    client.ask({ method: 'GET', path: '/advisories' }, advisoryList),
  );
  const rows = items
    .flatMap((advisory) => advisory.upstreams.map((standing) => ({ advisory, standing })))
    .filter(({ standing }) => flags.has('all') || standing.state !== 'not-affected')
    .sort((a, b) => (STATES[a.standing.state] ?? 0) - (STATES[b.standing.state] ?? 0));
  if (flags.has('json')) {
    io.out(json(items));
    return 0;
  }
  if (rows.length === 0) {
    io.out('No known hole of vLLM touches an upstream.\n');
    return 0;
  }
  const heads = table(
    rows.map(({ advisory, standing }) => [
      standing.state,
      nameOf(advisory),
      advisory.severity,
      standing.upstream,
      standing.version ?? 'unknown',
    ]),
  ).split('\n');
  for (const [index, { advisory, standing }] of rows.entries()) {
    const { by, todo } = standing;
    io.out(`${heads[index] ?? ''}\n  ${advisory.summary}\n`);
    if (by.length > 0) io.out(`  Stopped by: ${by.join(', ')}.\n`);
    if (todo !== '') io.out(`  ${standing.state === 'patched' ? 'Better' : 'To do'}: ${todo}\n`);
  }
  return 0;
}

const nameOf = ({ id, aliases }: AdvisoryShown): string => aliases.find((name) => name.startsWith('CVE-')) ?? id;

/** So many advisories fit into one body of the admin API. */
const BATCH = 40;

async function importFile(flags: Flags, io: CommandIo): Promise<number> {
  const [file = ''] = flags.words;
  let value: JsonValue;
  try {
    value = JSON.parse(readFileSync(file, 'utf8')) as JsonValue;
  } catch (error) {
    throw new CommandError(`${file} cannot be read as JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  const { advisories: found, unmapped } = advisoriesFromOsv(value);
  for (const { id, why } of unmapped) io.err(`${id}: ${why}\n`);
  if (found.length === 0) throw new CommandError(`${file} holds no advisory of vLLM that could be taken over.`);
  const known = await withAdmin(flags, io, async (client) => {
    let count = 0;
    for (let from = 0; from < found.length; from += BATCH) {
      const body = advisoryFileFrom(found.slice(from, from + BATCH));
      ({ known: count } = await client.ask({ method: 'POST', path: '/advisories', body }, advisoryImport));
    }
    return count;
  });
  if (flags.has('json')) io.out(json({ imported: found.length, known, unmapped: unmapped.length }));
  else io.out(`Imported ${found.length} advisories; ${known} are known now.\n`);
  return 0;
}
