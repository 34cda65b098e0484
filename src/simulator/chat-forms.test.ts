import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formOf, messageOf } from './chat-forms.ts';
import type { LaxObject } from './lax-json.ts';

const SCHEMA: LaxObject = { response_format: { type: 'json_object' } };

for (const { name, body = {}, text, expected } of [
  {
    name: 'the text between the marks, lines and all',
    text: 'Say <answer>a.py\n1\n</answer> please',
    expected: 'a.py\n1\n',
  },
  { name: 'its own words without marks', text: 'Say it', expected: undefined },
  { name: 'its own words with one mark', text: 'Say <answer>it', expected: undefined },
  { name: 'its own words with the marks the other way round', text: '</answer> Say <answer>it', expected: undefined },
  { name: 'what fits the schema where there is one', body: SCHEMA, text: '<answer>it</answer>', expected: '{}' },
] satisfies readonly { name: string; body?: LaxObject; text: string; expected: string | undefined }[]) {
  test(`answers with ${name}`, () => {
    const form = formOf(body, text, 'id');
    assert.deepEqual(form && messageOf(form), expected === undefined ? undefined : { content: expected });
  });
}
