import type { JsonObject } from '../../kernel/json.ts';
import { EVERY_ROUTE, type PatchFamily, type PatchSample } from './patch.ts';
import { chat, completion } from './samples.ts';

/** Members and kinds of parts that carry tensors. */
const EMBEDS = ['image_embeds', 'audio_embeds', 'video_embeds', 'prompt_embeds'] as const;
const part = (content: JsonObject): PatchSample => chat({}, [{ type: 'text', text: 'hi' }, content]);

/**
 * Tensors out of requests, which vLLM gives to `torch.load`. On for every release: the guard was undone twice
 * (CVE-2026-55514, CVE-2026-73557), and no caller needs them.
 */
export const tensors = [
  {
    id: 'prompt-embeds',
    advisories: ['CVE-2025-62164', 'CVE-2026-55514', 'CVE-2026-56340', 'CVE-2026-73557'],
    costs: 'Prompts as tensors.',
    on: EVERY_ROUTE,
    when: {
      any: [
        { field: '**.prompt_embeds', is: 'present' },
        { field: '**.type', equals: 'prompt_embeds' },
      ],
    },
    message: 'Send texts: tensors are closed on this server.',
    stops: { route: 'completions', body: { model: 'tiny', prompt_embeds: 'UEsDBAAACAgAAAAAAAA=' } },
    passes: completion({ prompt_embeds: null }),
  },
  {
    id: 'media-embeds',
    advisories: ['CVE-2025-62372', 'CVE-2026-56340'],
    costs: 'Media as tensors.',
    on: EVERY_ROUTE,
    when: {
      any: [
        ...EMBEDS.map((name) => ({ field: `**.${name}`, is: 'present' }) as const),
        { field: '**.type', oneOf: EMBEDS },
      ],
    },
    message: 'Send media as such: tensors are closed on this server.',
    stops: part({ type: 'image_embeds', image_embeds: 'UEsDBAAACAgAAAAAAAA=' }),
    passes: part({ type: 'text', text: 'What are image_embeds?' }),
  },
  {
    id: 'token-in-features',
    advisories: ['CVE-2026-105754', 'PYSEC-2026-4353'],
    releases: { fixed: '0.30.0' },
    on: ['generate'],
    when: {
      any: [
        { field: 'features', is: 'present' },
        { field: 'content_parts', is: 'present' },
      ],
    },
    message: 'Leave media out of requests in token ids.',
    stops: {
      route: 'generate',
      body: { token_ids: [1, 2], features: { mm_hashes: { image: ['0f'] }, mm_placeholders: { image: [[0, 9]] } } },
    },
    passes: { route: 'generate', body: { token_ids: [1, 2], sampling_params: { max_tokens: 1 } } },
  },
  {
    id: 'derender',
    advisories: ['CVE-2026-71486'],
    releases: { fixed: '0.26.0' },
    on: ['chat-completions-derender', 'completions-derender'],
    when: {
      any: [
        { field: 'generate_response', is: 'present' },
        { field: 'generate_responses', is: 'present' },
      ],
    },
    message: 'Token ids are not made into texts on this server.',
    stops: {
      route: 'chat-completions-derender',
      body: { model: 'tiny', generate_response: { choices: [{ token_ids: [1, 1, 1, 1] }] } },
    },
    passes: { route: 'chat-completions-derender', body: { model: 'tiny' } },
  },
] as const satisfies PatchFamily;
