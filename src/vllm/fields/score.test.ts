import type { JsonObject } from '../../kernel/json.ts';
import { testBodies } from './body-verdict.fixture.ts';
import { PNG } from './testing.fixture.ts';

const score: JsonObject = { model: 'tiny', queries: 'a', documents: ['b', 'c'] };
const none: JsonObject = { model: 'tiny' };
const part = (text: string): JsonObject => ({ type: 'text', text });
const image = (url: string): JsonObject => ({ type: 'image_url', image_url: { url } });
const media = (...content: JsonObject[]): JsonObject => ({ content });

testBodies('score', none, [
  { name: 'with queries and documents', fields: { queries: 'a', documents: 'b' }, expected: {} },
  { name: 'with queries and items', fields: { queries: ['a'], items: ['b', 'c'] }, expected: {} },
  { name: 'with text_1 and text_2', fields: { text_1: 'a', text_2: ['b'] }, expected: {} },
  { name: 'with data_1 and data_2', fields: { data_1: ['a', 'b'], data_2: ['c', 'd'] }, expected: {} },
  { name: 'with nothing to compare', fields: {}, expected: 'invalid_field queries' },
  { name: 'with one side', fields: { queries: 'a' }, expected: 'invalid_field documents' },
  { name: 'with the other side', fields: { text_2: 'a' }, expected: 'invalid_field text_1' },
  { name: 'with sides of two pairs', fields: { text_1: 'a', data_2: 'b' }, expected: 'invalid_field text_2' },
  {
    name: 'with a side too many',
    fields: { queries: 'a', documents: 'b', items: 'c' },
    expected: 'invalid_field items',
  },
  {
    name: 'with two pairs',
    fields: { queries: 'a', documents: 'b', text_1: 'c', text_2: 'd' },
    expected: 'invalid_field text_1',
  },
  {
    name: 'with two to compare with three',
    fields: { text_1: ['a', 'b'], text_2: ['c', 'd', 'e'] },
    expected: 'invalid_field text_1',
  },
]);

testBodies('score', score, [
  { name: 'of as many documents as the cap', fields: { documents: ['b', 'c'] }, caps: { documents: 2 }, expected: {} },
  {
    name: 'of one document more',
    fields: { documents: ['b', 'c', 'd'] },
    caps: { documents: 2 },
    expected: 'value_out_of_range documents',
  },
  {
    name: 'of one query more',
    fields: { queries: ['a', 'b', 'c'] },
    caps: { documents: 2 },
    expected: 'value_out_of_range queries',
  },
  { name: 'of no documents', fields: { documents: [] }, expected: 'invalid_field documents' },
  { name: 'of token ids', fields: { documents: [[1, 2]] }, expected: 'invalid_field documents[0]' },
  { name: 'of numbers', fields: { queries: 1 }, expected: 'invalid_field queries' },
  { name: 'of {"text"}', fields: { documents: [{ text: 'b' }] }, expected: { documents: ['b'] } },
  {
    name: 'of {"text"} with more',
    fields: { documents: [{ text: 'b', url: 'x' }] },
    expected: 'unknown_field documents[0].url',
  },
  { name: 'of parts', fields: { documents: [media(part('b'), image(PNG))] }, expected: {} },
  { name: 'of one object', fields: { documents: media(part('b'), part('c')) }, expected: {} },
  {
    name: 'of a part without type',
    fields: { documents: [media({ text: 'b' })] },
    expected: { documents: [media(part('b'))] },
  },
  {
    name: 'of an image that vLLM would fetch',
    fields: { documents: ['b', media(image('https://a.example/b.png'))] },
    expected: 'forbidden_field documents[1].content[0].image_url',
  },
  {
    name: 'of as many images as the cap',
    fields: { documents: [media(image(PNG)), media(image(PNG))] },
    caps: { images: 2 },
    expected: {},
  },
  {
    name: 'of one image more',
    fields: { queries: media(image(PNG)), documents: [media(image(PNG)), media(image(PNG))] },
    caps: { images: 2 },
    expected: 'value_out_of_range documents[1].content[0].image_url',
  },
  {
    name: 'of a video',
    fields: { documents: [media({ type: 'video_url', video_url: { url: 'http://a/' } })] },
    expected: 'forbidden_field documents[0].content[0].video_url',
  },
  {
    name: 'of tensors',
    fields: { documents: [media({ type: 'image_embeds', image_embeds: 'UEs=' })] },
    expected: 'forbidden_field documents[0].content[0].image_embeds',
  },
  {
    name: 'of a recording',
    fields: { documents: [media({ type: 'input_audio', input_audio: {} })] },
    expected: 'invalid_field documents[0].content[0].type',
  },
  {
    name: 'of a part of no kind',
    fields: { documents: [media({ content: 'b' })] },
    expected: 'invalid_field documents[0].content[0].type',
  },
  { name: 'with the longest instruction', fields: { instruction: 'x'.repeat(8192) }, expected: {} },
  {
    name: 'with a longer instruction',
    fields: { instruction: 'x'.repeat(8193) },
    expected: 'value_out_of_range instruction',
  },
  { name: 'with bounds on tokens', fields: { max_tokens_per_doc: 0, max_tokens_per_query: 1_000_000 }, expected: {} },
  {
    name: 'with a bound below none',
    fields: { max_tokens_per_doc: -1 },
    expected: 'value_out_of_range max_tokens_per_doc',
  },
  {
    name: 'with an adjusted truncation',
    fields: { truncate_prompt_tokens: 1 },
    expected: 'forbidden_field truncate_prompt_tokens',
  },
  { name: 'with data for plugins', fields: { additional_data: 1 }, expected: 'forbidden_field additional_data' },
  {
    name: 'with a template in its variables',
    fields: { chat_template_kwargs: { chat_template: 'x' } },
    expected: 'forbidden_field chat_template_kwargs.chat_template',
  },
  { name: 'over the bound on text', fields: { queries: 'é' }, caps: { textBytes: 7 }, expected: 'value_out_of_range' },
  { name: 'at the bound on text', fields: { queries: 'é' }, caps: { textBytes: 8 }, expected: {} },
]);

const rerank: JsonObject = { model: 'tiny', query: 'a', documents: ['b', 'c'] };
testBodies('rerank', rerank, [
  { name: 'of texts', fields: {}, expected: {} },
  { name: 'of one text', fields: { documents: 'b' }, expected: {} },
  { name: 'without query', fields: { query: null }, expected: 'invalid_field query' },
  { name: 'without documents', fields: { documents: null }, expected: 'invalid_field documents' },
  { name: 'with several queries', fields: { query: ['a', 'b'] }, expected: 'invalid_field query' },
  { name: 'with parts as query', fields: { query: media(part('a'), image(PNG)) }, expected: {} },
  { name: 'of {"text"}', fields: { documents: [{ text: 'b' }, 'c'] }, expected: { documents: ['b', 'c'] } },
  { name: 'with all in order', fields: { top_n: 0 }, expected: {} },
  { name: 'with fewer than none', fields: { top_n: -1 }, expected: 'value_out_of_range top_n' },
  { name: "with Cohere's wish", fields: { return_documents: true }, expected: { return_documents: null } },
  {
    name: 'of one document more than the cap',
    fields: { documents: ['b', 'c', 'd'] },
    caps: { documents: 2 },
    expected: 'value_out_of_range documents',
  },
  {
    name: 'of an image that vLLM would fetch',
    fields: { query: media(image('file:///etc/passwd')) },
    expected: 'forbidden_field query.content[0].image_url',
  },
  { name: 'with a queue of its own', fields: { priority: -1 }, expected: 'forbidden_field priority' },
  { name: 'with the sides of a score', fields: { text_1: 'a' }, expected: 'unknown_field text_1' },
]);
