import { readFileSync } from 'node:fs';
import { explanation } from '../admin/explain.ts';
import { isAddress } from '../wire/address.ts';
import { withAdmin } from './admin-client.ts';
import { CommandError, UsageError, type Command } from './command.ts';
import { parseFlags } from './flags.ts';
import { json, table } from './text.ts';
import { expectWords } from './verbs.ts';

/** A dry run of a request. */
export const explain: Command = {
  name: 'explain',
  summary: 'what each stage would decide on a request, and which field policy applied; nothing is sent',
  help: `sallyport explain --key ID [--path /v1/chat/completions] [--method POST] [--address IP] [--body FILE] [--json]

Walks a request of that API key through the running gateway without sending it or spending anything. --body - reads the
body from standard input.

Example: sallyport explain --key Ab12cd --body request.json`,
  async run(words, io) {
    const flags = parseFlags(words, { key: 'text', path: 'text', method: 'text', address: 'text', body: 'text' });
    expectWords(flags, [], 'sallyport explain');
    const key = flags.text('key');
    if (key === undefined) throw new UsageError('--key is missing: give the id of an API key, such as --key Ab12cd');
    const address = flags.text('address');
    if (address !== undefined && !isAddress(address)) {
      throw new UsageError('--address takes an IP address, such as 127.0.0.1 or 2001:db8::1');
    }
    const file = flags.text('body');
    const body = file === undefined ? '' : textOf(file);
    const asked = {
      key,
      body,
      ...given('path', flags.text('path')),
      ...given('method', flags.text('method') ?? (file === undefined ? 'GET' : undefined)),
      ...given('address', address),
    };
    const found = await withAdmin(flags, io, (client) => {
      if (!client.isRunning) {
        throw new CommandError('No gateway runs on this state directory. Start one: sallyport serve');
      }
      return client.ask({ method: 'POST', path: '/explain', body: asked }, explanation);
    });
    if (flags.has('json')) {
      io.out(json(found));
      return 0;
    }
    io.out(
      table(
        found.stages.map(({ stage, decision, code, status, param, message }) => [
          stage,
          decision,
          code === undefined ? '' : `${status ?? ''} ${code}`,
          param ?? '',
          message ?? '',
        ]),
      ),
    );
    if (found.fields.length > 0) {
      io.out('\n');
      const rows = found.fields.map(({ name, policy, isSent, why, grant }) => [
        name,
        policy,
        isSent ? 'sent' : 'not sent',
        [why ?? '', grant === null ? '' : `Grant: ${grant}.`].join(' ').trim(),
      ]);
      io.out(table([['FIELD', 'POLICY', 'UPSTREAM', 'WHY'], ...rows]));
    }
    if (found.sent !== null) {
      const { adjusted, body: sent } = found.sent;
      if (adjusted.length > 0) io.out(`\nx-sallyport-adjusted: ${adjusted.join(', ')}\n`);
      io.out(`\nUpstream would get:\n${JSON.stringify(sent, null, 2)}\n`);
    }
    return 0;
  },
};

function textOf(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw new CommandError(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

const given = <T>(name: string, value: T | undefined): Record<string, T> =>
  value === undefined ? {} : { [name]: value };
