import type { Condition } from './condition.ts';
import { EVERY_ROUTE, type PatchFamily } from './patch.ts';
import { chat, completion } from './samples.ts';

/** Routes whose `prompt` is the model's, and not a hint for a transcription. */
const PROMPT_ROUTES = ['completions', 'completions-render', 'tokenize', 'invocations'] as const;
/** Where callers put text, on any route. */
const TEXTS = [
  ...['**.content', '**.content[*]', '**.text', 'prompt', 'prompt[*]', 'input', 'input[*]', 'system', 'instructions'],
  ...['query', 'queries', 'queries[*]', 'documents[*]', 'items[*]', 'text_1', 'text_1[*]', 'text_2', 'text_2[*]'],
  ...['texts[*]'],
] as const;
/** What becomes part of a prompt as a whole: thinking, arguments, tools and documents stand in it, too. */
const PROMPTS = [
  ...['messages', 'prompt', 'input', 'inputs', 'system', 'instructions', 'instruction', 'tools', 'documents'],
  ...['chat_template_kwargs', 'query', 'queries', 'items', 'text_1', 'text_2', 'data_1', 'data_2', 'texts', 'hotwords'],
] as const;
/** Tokens in whose place vLLM puts media: of Qwen-VL and its kin, and of Phi-4-multimodal. */
const PLACEHOLDERS = [
  ...['<|image_', '<|video_', '<|audio_', '<|vision_', '<|AUDIO|>', '<|IMAGE|>', '<|VIDEO|>'],
  ...['<|endoftext10|>', '<|endoftext11|>'],
] as const;

/** What the model is asked. */
export const prompt = [
  {
    id: 'empty-prompt',
    advisories: ['CVE-2024-8768'],
    releases: { fixed: '0.5.5' },
    on: PROMPT_ROUTES,
    when: {
      any: [
        { field: 'prompt', is: 'empty' },
        { field: 'prompt[*]', is: 'empty' },
      ],
    },
    message: 'Give a prompt that is not empty.',
    stops: completion({ prompt: '' }),
    passes: completion({ prompt: ' ' }),
  },
  {
    id: 'prompt-list',
    advisories: ['CVE-2026-73559'],
    releases: { introduced: '0.19.0', fixed: '0.26.0' },
    costs: 'More than 16 prompts in one request.',
    on: PROMPT_ROUTES,
    // A list of numbers is one prompt, as token ids.
    when: {
      any: [
        { field: 'prompt[*]', is: 'text', occursMoreThan: 16 },
        { field: 'prompt[*]', is: 'list', occursMoreThan: 16 },
        { field: 'prompt_embeds', moreThan: 16 },
      ],
    },
    message: 'Send at most 16 prompts at once.',
    stops: completion({ prompt: Array.from({ length: 1000 }, () => 'hi') }),
    passes: completion({ prompt: ['hi', 'ho'] }),
  },
  {
    id: 'malformed-embedding-input',
    advisories: ['CVE-2024-11040'],
    on: ['embeddings', 'pooling', 'classify'],
    when: {
      any: [
        ...(['number', 'boolean', 'object'] as const).map((is) => ({ field: 'input', is })),
        ...(['boolean'] as const).map((is) => ({ field: 'input[*]', is })),
        { field: 'input[*][*]', is: 'text' },
        { field: 'input[*][*]', is: 'boolean' },
      ],
    },
    message: 'Give a text, a list of texts, or token ids as input.',
    stops: { route: 'embeddings', body: { model: 'tiny', input: [[['hi']], true] } },
    passes: { route: 'embeddings', body: { model: 'tiny', input: ['hi', 'ho'] } },
  },
  {
    id: 'media-placeholders',
    advisories: ['CVE-2025-46560', 'CVE-2026-44222'],
    releases: { introduced: '0.6.1', fixed: '0.20.0' },
    costs: 'Texts about the control tokens of vision models.',
    on: EVERY_ROUTE,
    when: {
      any: [
        // First, for the place that it tells is nearer.
        ...TEXTS.map((field): Condition => ({ field, contains: PLACEHOLDERS })),
        ...PROMPTS.map((field): Condition => ({ field, holds: PLACEHOLDERS })),
      ],
    },
    message: 'Take the control tokens of the model out of this text.',
    stops: chat({}, '<|image_pad|>'.repeat(200)),
    passes: chat({}, 'What is an image pad in a prompt?'),
  },
] as const satisfies PatchFamily;
