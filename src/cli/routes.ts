import { showRoutes } from '../admin/routes.ts';
import type { Command } from './command.ts';
import { parseFlags } from './flags.ts';
import { json, table } from './text.ts';
import { expectWords } from './verbs.ts';

/** The catalogue of vLLM's routes. */
export const routes: Command = {
  name: 'routes',
  summary: 'every known route of vLLM: class, scope, open or closed, and why',
  help: `sallyport routes [--json]

Lists every route of every known vLLM release and what the gateway does with it. What is not listed is closed.

Example: sallyport routes --json`,
  run(words, io) {
    const flags = parseFlags(words, {});
    expectWords(flags, [], 'sallyport routes');
    const all = showRoutes();
    if (flags.has('json')) io.out(json(all));
    else {
      const rows = all.map(({ methods, path, class: kind, scope, open, openable, why }) => [
        open ? 'open' : openable ? 'openable' : 'closed',
        methods.join(','),
        path,
        kind,
        scope ?? '-',
        why,
      ]);
      io.out(table([['STATE', 'METHODS', 'PATH', 'CLASS', 'SCOPE', 'WHY'], ...rows]));
    }
    return Promise.resolve(0);
  },
};
