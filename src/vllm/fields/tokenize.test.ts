import type { JsonObject, JsonValue } from '../../kernel/json.ts';
import { testBodies } from './body-verdict.fixture.ts';
import { PNG } from './testing.fixture.ts';

const chat = (content: JsonValue): JsonObject[] => [{ role: 'user', content }];
const prompt: JsonObject = { model: 'tiny', prompt: 'a' };
const messages: JsonObject = { model: 'tiny', messages: chat('a') };
const tool = (description: string): JsonObject => ({ type: 'function', function: { name: 'f', description } });
const KIB_64 = 64 * 1024;
/** Bytes of the texts that the smallest bodies have besides what is tokenized. */
const NAMES = 'tiny'.length;

testBodies('tokenize', prompt, [
  { name: 'of a text', fields: {}, expected: {} },
  { name: 'without special tokens', fields: { add_special_tokens: false }, expected: {} },
  { name: 'of texts', fields: { prompt: ['a', 'b'] }, expected: 'invalid_field prompt' },
  { name: 'of nothing', fields: { prompt: null }, expected: 'invalid_field prompt' },
  { name: 'of a text and messages', fields: { messages: chat('a') }, expected: 'invalid_field prompt' },
  { name: 'of a text with tools', fields: { tools: [tool('')] }, expected: 'invalid_field tools' },
  {
    name: 'of a text with the beginning of an answer',
    fields: { add_generation_prompt: true },
    expected: 'invalid_field add_generation_prompt',
  },
  { name: 'at the bound on text', fields: { prompt: 'x'.repeat(KIB_64 - NAMES) }, expected: {} },
  {
    name: 'over the bound on text',
    fields: { prompt: 'x'.repeat(KIB_64 - NAMES + 1) },
    expected: 'value_out_of_range',
  },
  {
    name: 'over the bound on bytes of text',
    fields: { prompt: `é${'x'.repeat(KIB_64 - NAMES - 1)}` },
    expected: 'value_out_of_range',
  },
  {
    name: 'over a lower bound of the operator',
    fields: { prompt: 'x'.repeat(97) },
    caps: { textBytes: 100 },
    expected: 'value_out_of_range',
  },
  {
    name: 'with strings of tokens',
    fields: { return_token_strs: true },
    expected: 'forbidden_field return_token_strs',
  },
]);

testBodies('tokenize', messages, [
  { name: 'of a chat', fields: { add_generation_prompt: true, tools: [tool('x')] }, expected: {} },
  {
    name: 'of a chat with a role of its own',
    fields: { messages: [{ role: 'root', content: 'a' }] },
    expected: 'invalid_field messages[0].role',
  },
  {
    name: 'of more messages than the cap',
    fields: { messages: [...chat('a'), ...chat('b')] },
    caps: { messages: 1 },
    expected: 'value_out_of_range messages',
  },
  {
    name: 'of a chat with an image',
    fields: { messages: chat([{ type: 'image_url', image_url: { url: PNG } }]) },
    expected: {},
  },
  {
    name: 'of a chat with an image that vLLM would fetch',
    fields: { messages: chat([{ type: 'image_url', image_url: { url: 'http://a/' } }]) },
    expected: 'forbidden_field messages[0].content[0].image_url',
  },
  {
    name: 'of a chat with more images than the cap',
    fields: { messages: chat([{ type: 'image_url', image_url: { url: PNG } }]) },
    caps: { images: 0 },
    expected: 'value_out_of_range messages[0].content[0].image_url',
  },
  {
    name: 'of a chat over the bound on text',
    fields: { messages: [...chat('x'.repeat(KIB_64 / 2)), ...chat('y'.repeat(KIB_64 / 2))] },
    expected: 'value_out_of_range',
  },
  {
    name: 'of a chat with more tools than fit',
    fields: { tools: [tool('x'.repeat(KIB_64 / 2)), tool('y'.repeat(KIB_64 / 2))] },
    expected: 'value_out_of_range tools',
  },
  { name: 'of a chat with a template', fields: { chat_template: 'x' }, expected: 'forbidden_field chat_template' },
  {
    name: 'of a chat that goes on with its last message',
    fields: { continue_final_message: true },
    expected: 'forbidden_field continue_final_message',
  },
  {
    name: 'of a chat with processor arguments',
    fields: { mm_processor_kwargs: { a: 1 } },
    expected: 'forbidden_field mm_processor_kwargs',
  },
]);

testBodies('detokenize', { model: 'tiny', tokens: [1] }, [
  { name: 'of one id', fields: {}, expected: {} },
  { name: 'of the highest id', fields: { tokens: [0, 2_000_000] }, expected: {} },
  { name: 'of an id below', fields: { tokens: [0, -1] }, expected: 'value_out_of_range tokens[1]' },
  { name: 'of an id above', fields: { tokens: [2_000_001] }, expected: 'value_out_of_range tokens[0]' },
  { name: 'of half an id', fields: { tokens: [0.5] }, expected: 'invalid_field tokens[0]' },
  { name: 'of a text', fields: { tokens: 'a' }, expected: 'invalid_field tokens' },
  { name: 'of none', fields: { tokens: null }, expected: 'invalid_field tokens' },
  { name: 'of as many ids as the cap', fields: { tokens: Array.from({ length: 131_072 }, () => 1) }, expected: {} },
  {
    name: 'of one id more',
    fields: { tokens: Array.from({ length: 131_073 }, () => 1) },
    expected: 'value_out_of_range tokens',
  },
]);
