import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../kernel/json.ts';
import { judge, testBodies } from './body-verdict.fixture.ts';
import { PNG } from './testing.fixture.ts';

const smallest: JsonObject = { model: 'tiny', texts: ['a'] };
const image = (url: string): JsonObject => ({ type: 'image_url', image_url: { url } });
const inputs = (...content: JsonObject[]): JsonObject => ({ texts: null, inputs: [{ content }] });

testBodies('cohere-embed', smallest, [
  { name: 'of texts', fields: {}, expected: {} },
  { name: 'of as many texts as the cap', fields: { texts: ['a', 'b'] }, caps: { inputList: 2 }, expected: {} },
  {
    name: 'of one text more',
    fields: { texts: ['a', 'b', 'c'] },
    caps: { inputList: 2 },
    expected: 'value_out_of_range texts',
  },
  { name: 'of nothing', fields: { texts: null }, expected: 'invalid_field texts' },
  { name: 'of one bare text', fields: { texts: 'a' }, expected: 'invalid_field texts' },
  { name: 'of images', fields: { texts: null, images: [PNG, PNG] }, caps: { images: 2 }, expected: {} },
  {
    name: 'of one image more than the cap',
    fields: { texts: null, images: [PNG, PNG, PNG] },
    caps: { images: 2 },
    expected: 'value_out_of_range images',
  },
  {
    name: 'of an image that vLLM would fetch',
    fields: { texts: null, images: ['http://169.254.169.254/'] },
    expected: 'forbidden_field images[0]',
  },
  { name: 'of texts and images', fields: { images: [PNG] }, expected: 'invalid_field images' },
  { name: 'of inputs', fields: inputs({ type: 'text', text: 'a' }, image(PNG)), expected: {} },
  {
    name: 'of inputs with an image that vLLM would fetch',
    fields: inputs(image('https://a.example/')),
    expected: 'forbidden_field inputs[0].content[0].image_url',
  },
  {
    name: 'of inputs with one image more than the cap',
    fields: inputs(image(PNG), image(PNG)),
    caps: { images: 1 },
    expected: 'value_out_of_range inputs[0].content[1].image_url',
  },
  {
    name: 'of inputs of another kind',
    fields: inputs({ type: 'video_url', video_url: { url: 'x' } }),
    expected: 'invalid_field inputs[0].content[0].type',
  },
  {
    name: 'of inputs with an unknown member',
    fields: inputs({ type: 'text', text: 'a', uuid: 'x' }),
    expected: 'unknown_field inputs[0].content[0].uuid',
  },
  {
    name: 'of inputs with a bare URL',
    fields: inputs({ type: 'image_url', image_url: PNG }),
    expected: 'invalid_field inputs[0].content[0].image_url',
  },
  { name: 'of every type', fields: { embedding_types: ['float', 'binary', 'ubinary', 'base64'] }, expected: {} },
  {
    name: 'of more types than there are',
    fields: { embedding_types: ['float', 'float', 'float', 'float', 'float'] },
    expected: 'value_out_of_range embedding_types',
  },
  {
    name: 'of a type that vLLM does not have',
    fields: { embedding_types: ['int8'] },
    expected: 'invalid_field embedding_types[0]',
  },
  {
    name: 'with all that it has',
    fields: { input_type: 'search_query', truncate: 'NONE', max_tokens: 1, output_dimension: 64 },
    expected: {},
  },
  { name: 'with another truncation', fields: { truncate: 'MIDDLE' }, expected: 'invalid_field truncate' },
  { name: 'of no tokens', fields: { max_tokens: 0 }, expected: 'value_out_of_range max_tokens' },
  { name: 'with its own place in the queue', fields: { priority: 1 }, expected: 'forbidden_field priority' },
  { name: "with vLLM's place in the queue", fields: { priority: 0 }, expected: { priority: null } },
]);

test('a body in the Cohere format gets no salt, which vLLM would not read', () => {
  const request = judge('cohere-embed', smallest);
  assert.deepEqual(typeof request !== 'string' && request.body, smallest);
  assert.equal(judge('cohere-embed', { ...smallest, cache_salt: 'x' }), 'unknown_field cache_salt');
});
