import { EVERY_ROUTE, type PatchFamily } from './patch.ts';

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
    stops: { route: 'completions', body: { model: 'tiny', prompt: 'hi', echo: true, logprobs: 1 } },
    passes: { route: 'completions', body: { model: 'tiny', prompt: 'hi', echo: false, logprobs: 1 } },
  },
] as const satisfies PatchFamily;
