import * as z from 'zod';
import { nearest } from '../../kernel/nearest.ts';
import { list } from '../../kernel/option.ts';
import { isHubName, isPlainPath } from '../../vllm/fields/lora.ts';
import { routes } from '../../vllm/routes/index.ts';
import { OPENABLE_ROUTES } from '../../vllm/routes/opened.ts';

/** Ids of openable routes. */
export function openRoutesOption() {
  const hint = `Give ids that \`sallyport routes\` calls openable: ${OPENABLE_ROUTES.join(', ')}.`;
  const id = z.enum(OPENABLE_ROUTES as [string, ...string[]], {
    error: ({ input }) => {
      if (typeof input !== 'string') return hint;
      const row = routes.find((route) => route.id === input);
      if (row?.openedBy !== undefined) return `What opens this route is validation.${row.openedBy}.`;
      if (row !== undefined)
        return `This route is ${row.policy === 'closed' ? 'always closed' : 'open already'}. ${hint}`;
      const near = nearest(input, OPENABLE_ROUTES);
      return near === undefined ? hint : `Did you mean ${near}?`;
    },
  });
  return list(id)
    .prefault([])
    .describe('Ids of routes that are closed unless they are named here (`sallyport routes`).');
}

/** Places that adapters may be loaded from. */
export function loraPathsOption() {
  const error =
    'Give an absolute path other than /, without a slash at its end and without . and .. and empty segments, or the name of one adapter on a hub, such as org/adapter.';
  return list(z.string({ error }).refine((place) => isPlainPath(place) || isHubName(place), { error }))
    .prefault([])
    .describe(
      'Where /v1/load_lora_adapter may load from: absolute paths with all below them, and exact names on a hub. The route is closed while this is empty. Symbolic links below a path are followed by vLLM and cannot be judged here: let nobody else write there.',
    );
}
