import type { JsonObject } from '../../kernel/json.ts';
import { testBodies } from './body-verdict.fixture.ts';

const smallest: JsonObject = { model: 'tiny', input: 'a' };

for (const kind of ['classify', 'pooling'] as const) {
  testBodies(kind, smallest, [
    { name: 'of one text', fields: {}, expected: {} },
    { name: 'of as many texts as the cap', fields: { input: ['a', 'b'] }, caps: { inputList: 2 }, expected: {} },
    {
      name: 'of one text more',
      fields: { input: ['a', 'b', 'c'] },
      caps: { inputList: 2 },
      expected: 'value_out_of_range input',
    },
    { name: 'of none', fields: { input: null }, expected: 'invalid_field input' },
    { name: 'of token ids', fields: { input: [1, 2] }, expected: 'forbidden_field input' },
    { name: 'of messages', fields: { messages: [] }, expected: 'forbidden_field messages' },
    { name: 'with a template', fields: { chat_template: 'x' }, expected: 'forbidden_field chat_template' },
    { name: 'with padding', fields: { padding: 'max_length' }, expected: 'forbidden_field padding' },
    { name: 'without padding', fields: { padding: null }, expected: {} },
    { name: 'with raw scores', fields: { use_activation: false }, expected: {} },
    { name: 'first in the queue', fields: { priority: -1 }, expected: 'forbidden_field priority' },
  ]);
}

testBodies('pooling', smallest, [
  ...['embed', 'classify', 'score', 'token_embed', 'token_classify', 'embed&token_classify'].map((task) => ({
    name: `with the task ${task}`,
    fields: { task },
    expected: {},
  })),
  { name: 'for a plugin', fields: { task: 'plugin' }, expected: 'forbidden_field task' },
  { name: 'with an unknown task', fields: { task: 'Embed' }, expected: 'invalid_field task' },
  { name: 'with data for a plugin', fields: { data: 'x' }, expected: 'forbidden_field data' },
  { name: 'as base64', fields: { encoding_format: 'base64' }, expected: {} },
  { name: 'as bytes', fields: { encoding_format: 'bytes' }, expected: 'invalid_field encoding_format' },
  { name: 'as bytes of half precision', fields: { embed_dtype: 'float16' }, expected: 'forbidden_field embed_dtype' },
]);
