import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../kernel/json.ts';
import { lastTextOf } from './last-text.ts';

for (const [what, body, text] of [
  [
    'a message',
    {
      messages: [
        { role: 'user', content: 'a' },
        { role: 'user', content: 'b' },
      ],
    },
    'b',
  ],
  ['a part of a message', { messages: [{ role: 'user', content: [{ type: 'text', text: 'c' }] }] }, 'c'],
  ['a prompt', { prompt: 'd' }, 'd'],
  ['a list of prompts', { prompt: ['d', 'e'] }, 'e'],
  ['an input of responses', { input: [{ role: 'user', content: [{ type: 'input_text', text: 'f' }] }] }, 'f'],
  ['token ids', { prompt: [1, 2, 3] }, undefined],
  [
    'an image',
    { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:' } }] }] },
    undefined,
  ],
  ['nothing', {}, undefined],
  ['something too deep', { prompt: [[[[[['g']]]]]] }, undefined],
] as const satisfies readonly (readonly [string, JsonObject, string | undefined])[]) {
  test(`the last text of ${what} is ${text ?? 'none'}`, () => {
    assert.equal(lastTextOf(body), text);
  });
}
