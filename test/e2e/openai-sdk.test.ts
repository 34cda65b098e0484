import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type OpenAI from 'openai';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { openAiClient } from '../support/sdk.ts';

let it: TestGateway;
let client: OpenAI;
before(async () => {
  it = await startTestGateway({ workers: 2 });
  client = await openAiClient(it);
});
after(() => it[Symbol.asyncDispose]());

const messages = [{ role: 'user' as const, content: 'Hello there' }];

test('the stock OpenAI SDK completes a chat through TLS', async () => {
  const answer = await client.chat.completions.create({ model: 'tiny', messages, max_tokens: 5 });
  assert.equal(answer.choices[0]?.message.role, 'assistant');
  assert.ok((answer.choices[0]?.message.content ?? '').length > 0);
  assert.equal(answer.usage?.completion_tokens, 5);
  assert.equal('system_fingerprint' in answer, false);
  assert.equal('kv_transfer_params' in answer, false);
});

test('the stock OpenAI SDK streams a chat, without a usage event that it did not ask for', async () => {
  const stream = await client.chat.completions.create({ model: 'tiny', messages, max_tokens: 5, stream: true });
  let text = '';
  for await (const chunk of stream) {
    assert.equal(chunk.choices.length, 1);
    assert.equal(chunk.usage ?? undefined, undefined);
    text += chunk.choices[0]?.delta.content ?? '';
  }
  assert.ok(text.length > 0);
});

test('the stock OpenAI SDK gets the usage event of a stream that it asked for', async () => {
  const stream = await client.chat.completions.create({
    model: 'tiny',
    messages,
    max_tokens: 5,
    stream: true,
    stream_options: { include_usage: true },
  });
  let total: number | undefined;
  for await (const chunk of stream) total = chunk.usage?.total_tokens ?? total;
  assert.ok((total ?? 0) > 5);
});

test('the stock OpenAI SDK completes text', async () => {
  const answer = await client.completions.create({ model: 'tiny', prompt: 'Once', max_tokens: 3 });
  assert.ok((answer.choices[0]?.text ?? '').length > 0);
});

test('the stock OpenAI SDK embeds text', async () => {
  const answer = await client.embeddings.create({ model: 'tiny', input: ['one', 'two'] });
  assert.equal(answer.data.length, 2);
  assert.ok((answer.data[0]?.embedding.length ?? 0) > 0);
});

test('the stock OpenAI SDK lists the models', async () => {
  const { data } = await client.models.list();
  assert.deepEqual(
    data.map(({ id }) => id),
    ['tiny'],
  );
  assert.equal(JSON.stringify(data).includes('root'), false);
});
