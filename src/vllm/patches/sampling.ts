import { EVERY_ROUTE, type PatchFamily } from './patch.ts';
import { chat, completion } from './samples.ts';

const LEAVE_OUT = 'Leave this field out: it is closed on this server.';

/** How the next token is chosen, and how much work one request may ask for. */
export const sampling = [
  {
    id: 'allowed-token-ids',
    advisories: ['CVE-2026-93840', 'CVE-2026-114049'],
    releases: { fixed: '0.31.0' },
    costs: 'Answers out of listed tokens; response_format or structured_outputs can do most of it.',
    on: EVERY_ROUTE,
    when: {
      any: [
        { field: 'allowed_token_ids', is: 'present' },
        { field: 'sampling_params.allowed_token_ids', is: 'present' },
      ],
    },
    message: LEAVE_OUT,
    stops: chat({ allowed_token_ids: [151_936, 200_000] }),
    passes: chat({ allowed_token_ids: null }),
  },
  {
    id: 'bad-words',
    advisories: ['CVE-2026-93989'],
    releases: { fixed: '0.30.0' },
    costs: 'Words that the answer must not hold.',
    on: EVERY_ROUTE,
    when: {
      any: [
        { field: 'bad_words', is: 'filled' },
        { field: 'sampling_params.bad_words', is: 'filled' },
      ],
    },
    message: LEAVE_OUT,
    stops: chat({ bad_words: ['hello'] }),
    passes: chat({ bad_words: [] }),
  },
  {
    id: 'penalties-with-drafter',
    advisories: ['CVE-2026-44223'],
    releases: { introduced: '0.18.0', fixed: '0.20.0' },
    needsFeature: 'extract-hidden-states-drafter',
    costs: 'Penalties, on 0.18 and 0.19 also of servers without that drafter.',
    on: EVERY_ROUTE,
    when: {
      any: [
        { field: 'presence_penalty', noneOf: [0] },
        { field: 'frequency_penalty', noneOf: [0] },
        { field: 'repetition_penalty', noneOf: [1] },
        { field: 'sampling_params.presence_penalty', noneOf: [0] },
        { field: 'sampling_params.frequency_penalty', noneOf: [0] },
        { field: 'sampling_params.repetition_penalty', noneOf: [1] },
      ],
    },
    message: 'Leave the penalties out: this server fails on them.',
    stops: chat({ presence_penalty: 0.5 }),
    passes: chat({ presence_penalty: 0, frequency_penalty: 0 }),
  },
  {
    id: 'thinking-token-budget',
    advisories: ['GHSA-fpch-3xrf-7q96'],
    releases: { introduced: '0.21.0', fixed: '0.28.0' },
    costs: 'A bound on the tokens of reasoning; max_tokens bounds them, too.',
    on: EVERY_ROUTE,
    when: {
      any: [
        { field: 'thinking_token_budget', is: 'present' },
        { field: 'sampling_params.thinking_token_budget', is: 'present' },
      ],
    },
    message: LEAVE_OUT,
    stops: chat({ thinking_token_budget: 64 }),
    passes: chat({ max_tokens: 64 }),
  },
  {
    id: 'answers-without-bound',
    advisories: ['CVE-2026-34756'],
    releases: { introduced: '0.1.0', fixed: '0.19.0' },
    costs: 'More than 16 answers to one request.',
    on: EVERY_ROUTE,
    when: {
      any: [
        { field: 'n', above: 16 },
        { field: 'sampling_params.n', above: 16 },
      ],
    },
    message: 'Ask for at most 16 answers at once.',
    stops: chat({ n: 1_000_000 }),
    passes: chat({ n: 2 }),
  },
  {
    id: 'best-of',
    advisories: ['CVE-2024-8939', 'CVE-2024-11040'],
    on: EVERY_ROUTE,
    when: {
      any: [
        { field: 'best_of', above: 1 },
        {
          all: [
            { field: 'use_beam_search', noneOf: [false] },
            { field: 'n', above: 16 },
          ],
        },
      ],
    },
    message: 'Leave out best_of, and ask for a narrower beam.',
    stops: completion({ best_of: 10_000, use_beam_search: true }),
    passes: completion({ best_of: 1 }),
  },
  {
    id: 'min-tokens-above-max',
    advisories: ['CVE-2026-114051'],
    releases: { fixed: '0.31.0' },
    on: EVERY_ROUTE,
    when: {
      any: [
        { field: 'min_tokens', aboveField: 'max_tokens' },
        { field: 'min_tokens', aboveField: 'max_completion_tokens' },
        { field: 'sampling_params.min_tokens', aboveField: 'sampling_params.max_tokens' },
        {
          all: [
            { field: 'sampling_params.min_tokens', above: 0 },
            { field: 'sampling_params.max_tokens', is: 'absent' },
          ],
        },
      ],
    },
    message: 'Give a max_tokens that is not below min_tokens.',
    stops: {
      route: 'generate',
      body: { token_ids: [1, 2], sampling_params: { min_tokens: 100_000, max_tokens: null } },
    },
    passes: { route: 'generate', body: { token_ids: [1, 2], sampling_params: { min_tokens: 1, max_tokens: 16 } } },
  },
  {
    id: 'numbers-not-finite',
    advisories: ['CVE-2026-54235'],
    releases: { fixed: '0.24.0' },
    on: EVERY_ROUTE,
    // NaN has no place in JSON, but vLLM reads it out of a text, and infinity out of what a float cannot hold.
    when: {
      any: [
        { field: 'temperature', is: 'text' },
        { field: 'temperature', above: 1000 },
        { field: 'repetition_penalty', is: 'text' },
        { field: 'repetition_penalty', above: 1000 },
        { field: 'sampling_params.temperature', is: 'text' },
        { field: 'sampling_params.temperature', above: 1000 },
        { field: 'sampling_params.repetition_penalty', is: 'text' },
        { field: 'sampling_params.repetition_penalty', above: 1000 },
      ],
    },
    message: 'Give a finite number.',
    stops: chat({ temperature: 'NaN' }),
    passes: chat({ temperature: 0.7 }),
  },
] as const satisfies PatchFamily;
