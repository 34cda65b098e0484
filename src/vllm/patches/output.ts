import { EVERY_ROUTE, type PatchFamily } from './patch.ts';
import { completion } from './samples.ts';

/** What the answer is to hold beside the text. */
export const output = [
  {
    id: 'prompt-logprobs',
    advisories: ['CVE-2026-116180'],
    releases: { introduced: '0.8.5', fixed: '0.31.0' },
    costs: 'Log probabilities of the prompt.',
    on: EVERY_ROUTE,
    when: {
      any: [
        { field: 'prompt_logprobs', is: 'present' },
        { field: 'sampling_params.prompt_logprobs', is: 'present' },
        {
          all: [
            { field: 'echo', noneOf: [false] },
            { field: 'logprobs', noneOf: [false] },
          ],
        },
      ],
    },
    message: 'Leave out prompt_logprobs, and echo together with logprobs.',
    stops: completion({ echo: true, logprobs: 1 }),
    passes: completion({ echo: false, logprobs: 1 }),
  },
] as const satisfies PatchFamily;
