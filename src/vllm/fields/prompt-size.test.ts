import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../kernel/json.ts';
import { promptSizeOf } from './prompt-size.ts';

const chat = (more: object) => promptSizeOf('chat', { messages: [{ role: 'user', content: 'hi' }], ...more });

test('what is written into names of a tool or document is counted as if it were text', () => {
  const secret = 'x'.repeat(1_000);
  for (const more of [
    { tools: [{ type: 'function', function: { name: 'f', parameters: { properties: { [secret]: {} } } } }] },
    { documents: [{ url: secret }] },
    { documents: [{ data: secret }] },
  ]) {
    const { bytes, media } = chat(more);
    assert.ok(bytes > 1_000, JSON.stringify(more).slice(0, 60));
    assert.equal(media, 0);
  }
  const input = { type: 'tool_use', id: 'a', name: 'f', input: { arguments: { url: secret } } };
  assert.ok(promptSizeOf('messages', { messages: [{ role: 'assistant', content: [input] }] }).bytes > 1_000);
});

test('an image is a medium, and its bytes are none of the text', () => {
  const url = `data:image/png;base64,${'A'.repeat(10_000)}`;
  const { bytes, media } = chat({ messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }] });
  assert.equal(media, 1);
  assert.ok(bytes < 200);
});

test('prompts in a list are counted together, token ids each as one token', () => {
  assert.equal(promptSizeOf('completions', { prompt: ['aa', 'bbb'] }).bytes, 5);
  assert.equal(promptSizeOf('completions', { prompt: ['aa', 'bbb'] }).prompts, 2);
  const ids = promptSizeOf('completions', { prompt: [1, 2, 3] });
  assert.deepEqual([ids.numbers, ids.prompts], [3, 1]);
});

test('a query is read once for each document', () => {
  const one = promptSizeOf('rerank', { query: 'q'.repeat(100), documents: ['d'] });
  const many = promptSizeOf('rerank', { query: 'q'.repeat(100), documents: Array(50).fill('d') });
  assert.equal(many.bytes - one.bytes, 49 * 101);
});

test('a query of several parts is one input, and read once for each document; a list of queries is a side of its own', () => {
  const part = { type: 'text', text: 'q'.repeat(1_000) };
  const documents = Array(200).fill('d');
  assert.ok(promptSizeOf('rerank', { query: { content: [part, part] }, documents }).bytes > 200 * 2_000);
  const lists = promptSizeOf('score', { data_1: Array(200).fill('q'.repeat(100)), data_2: Array(200).fill('d') });
  assert.ok(lists.bytes < 2 * 200 * 101);
});

test('documents in the content of an object, an instruction and a tool’s input are counted as what they become', () => {
  const query = 'q'.repeat(900);
  const content = Array.from({ length: 200 }, () => ({ type: 'text', text: 'd' }));
  assert.ok(promptSizeOf('rerank', { query, documents: { content } }).bytes > 200 * 900);
  assert.ok(promptSizeOf('score', { data_1: query, data_2: { content } }).bytes > 200 * 900);
  const documents = Array(200).fill('d');
  assert.ok(promptSizeOf('rerank', { query: 'q', documents, instruction: query }).bytes > 200 * 900);
  const use = (input: JsonObject) =>
    promptSizeOf('messages', {
      messages: [{ role: 'assistant', content: [{ type: 'tool_use', id: 'a', name: 'f', input }] }],
    });
  assert.ok(use({ url: query }).bytes > 900);
  assert.ok(use({ numbers: Array(100).fill(0.123456789) }).bytes > 1_000);
});
