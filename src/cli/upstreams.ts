import { upstreamList } from '../admin/upstreams.ts';
import { withAdmin } from './admin-client.ts';
import { CommandError, type Command } from './command.ts';
import { parseFlags } from './flags.ts';
import { json, table } from './text.ts';
import { expectWords } from './verbs.ts';

/** The vLLM servers behind the running gateway. */
export const upstreams: Command = {
  name: 'upstreams',
  summary: 'state, version, models and load of the upstreams, and why one is down',
  help: `sallyport upstreams [--json]

Shows the vLLM servers as the running gateway sees them. RUNNING is what each was sent and has not ended, with the most
that it gets at once; WAITING is what waits here for a place; ENGINE is what vLLM last said: running and in its own queue.

Example: sallyport upstreams --json`,
  async run(words, io) {
    const flags = parseFlags(words, {});
    expectWords(flags, [], 'sallyport upstreams');
    const { items } = await withAdmin(flags, io, (client) => {
      if (!client.isRunning) {
        throw new CommandError('No gateway runs on this state directory. Start one: sallyport serve');
      }
      return client.ask({ method: 'GET', path: '/upstreams' }, upstreamList);
    });
    if (flags.has('json')) io.out(json(items));
    else {
      const rows = items.map((one) => [
        one.name,
        one.state,
        one.version ?? '-',
        one.limit === null ? String(one.outstanding) : `${one.outstanding}/${one.limit}`,
        String(one.waiting),
        one.engine === null ? '-' : `${one.engine.running}+${one.engine.waiting}`,
        one.models.join(',') || '-',
        one.url,
      ]);
      io.out(table([['NAME', 'STATE', 'VERSION', 'RUNNING', 'WAITING', 'ENGINE', 'MODELS', 'URL'], ...rows]));
      for (const { name, why } of items) if (why !== null) io.out(`\n${name}: ${why}\n`);
    }
    return 0;
  },
};
