import { OPEN_VARIABLES } from '../fields/prompt.ts';
import { EVERY_ROUTE, type PatchFamily } from './patch.ts';
import { chat } from './samples.ts';

/** Templates that a request brings along, and what it tells the server's own. */
export const templates = [
  {
    id: 'chat-template',
    advisories: ['CVE-2025-61620', 'CVE-2026-115911', 'CVE-2026-115918'],
    releases: { introduced: '0.5.1', fixed: '0.32.0' },
    costs: "A caller's own chat template.",
    on: EVERY_ROUTE,
    when: {
      any: [
        { field: 'chat_template', is: 'present' },
        { field: 'chat_template_kwargs.chat_template', is: 'present' },
      ],
    },
    message: 'Leave the template out: the server uses its own.',
    stops: {
      route: 'responses',
      body: {
        model: 'tiny',
        input: 'hi',
        chat_template_kwargs: { chat_template: '{% for i in range(10**9) %}{% endfor %}' },
      },
    },
    passes: {
      route: 'responses',
      body: { model: 'tiny', input: 'hi', chat_template_kwargs: { enable_thinking: false } },
    },
  },
  {
    id: 'chat-template-kwargs',
    advisories: ['CVE-2025-62426', 'CVE-2026-115911'],
    releases: { introduced: '0.5.5', fixed: '0.32.0' },
    costs: 'Variables of the template other than those that switch reasoning.',
    on: EVERY_ROUTE,
    when: {
      any: [
        { field: 'chat_template_kwargs.*', namedNoneOf: OPEN_VARIABLES },
        { field: 'chat_template_kwargs.*', is: 'list' },
        { field: 'chat_template_kwargs.*', is: 'object' },
        { field: 'chat_template_kwargs', is: 'text' },
      ],
    },
    message: `Leave this variable out: open are ${OPEN_VARIABLES.join(', ')}.`,
    stops: chat({ chat_template_kwargs: { tokenize: true } }),
    passes: chat({ chat_template_kwargs: { enable_thinking: false, reasoning_effort: 'low' } }),
  },
] as const satisfies PatchFamily;
