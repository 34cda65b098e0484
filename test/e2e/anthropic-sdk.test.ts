import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { trustingFetch } from '../support/sdk.ts';

let it: TestGateway;
let client: Anthropic;
before(async () => {
  it = await startTestGateway({ workers: 2 });
  const { key } = await it.issue();
  client = new Anthropic({
    baseURL: it.url,
    apiKey: key, // goes out as x-api-key
    maxRetries: 0,
    fetch: trustingFetch(it),
  });
});
after(() => it[Symbol.asyncDispose]());

const messages = [{ role: 'user' as const, content: 'Hello there' }];
const weather: Anthropic.Tool = {
  name: 'get_weather',
  description: 'The weather of a city.',
  input_schema: { type: 'object', properties: { city: { type: 'string', enum: ['Paris'] } }, required: ['city'] },
};
/** What upstream was sent last. */
const sent = (): Record<string, unknown> =>
  JSON.parse(it.simulator.received().at(-1)?.body ?? '{}') as Record<string, unknown>;

test('the stock Anthropic SDK completes a message through TLS', async () => {
  const answer = await client.messages.create({ model: 'tiny', messages, max_tokens: 5 });
  assert.equal(answer.role, 'assistant');
  assert.equal(answer.stop_reason, 'max_tokens');
  const [block] = answer.content;
  assert.ok(block?.type === 'text' && block.text.length > 0);
  assert.equal(answer.usage.output_tokens, 5);
});

test('the stock Anthropic SDK streams a message', async () => {
  const stream = client.messages.stream({ model: 'tiny', messages, max_tokens: 5, system: 'Be brief.' });
  let text = '';
  stream.on('text', (delta) => (text += delta));
  const whole = await stream.finalMessage();
  assert.ok(text.length > 0);
  assert.deepEqual(
    whole.content.map((block) => (block.type === 'text' ? block.text : block.type)),
    [text],
  );
  assert.equal(whole.usage.output_tokens, 5);
  assert.equal(whole.stop_reason, 'max_tokens');
});

test('the stock Anthropic SDK counts the tokens of a message', async () => {
  const { input_tokens: count } = await client.messages.countTokens({ model: 'tiny', messages });
  const { usage } = await client.messages.create({ model: 'tiny', messages, max_tokens: 1 });
  assert.equal(count, usage.input_tokens);
});

test('the stock Anthropic SDK calls a tool and gives its result back', async () => {
  const ask = { role: 'user' as const, content: 'Use get_weather.' };
  const first = await client.messages.create({ model: 'tiny', messages: [ask], max_tokens: 50, tools: [weather] });
  assert.equal(first.stop_reason, 'tool_use');
  const call = first.content.find((block) => block.type === 'tool_use') ?? assert.fail('no call');
  assert.deepEqual([call.name, call.input], ['get_weather', { city: 'Paris' }]);
  const second = await client.messages.create({
    model: 'tiny',
    max_tokens: 50,
    tools: [weather],
    messages: [
      ask,
      { role: 'assistant', content: first.content },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: call.id, content: 'Sun.' }] },
    ],
  });
  assert.equal(second.content[0]?.type, 'text');
});

test('a call arrives in a stream of the stock Anthropic SDK, too', async () => {
  const choice = { type: 'any' as const };
  const request = { model: 'tiny', messages, max_tokens: 50, tools: [weather], tool_choice: choice };
  const whole = await client.messages.stream(request).finalMessage();
  const [call] = whole.content;
  assert.ok(call?.type === 'tool_use');
  assert.deepEqual(call.input, { city: 'Paris' });
});

test('beta calls work: the query is dropped, and so are fields and tools that vLLM does not have', async () => {
  const { data, response } = await client.beta.messages
    .create({
      model: 'tiny',
      max_tokens: 5,
      messages: [{ role: 'user', content: [{ type: 'text', text: 'hi', cache_control: { type: 'ephemeral' } }] }],
      betas: ['context-management-2025-06-27'],
      context_management: { edits: [{ type: 'clear_tool_uses_20250919' }] },
      metadata: { user_id: 'u' },
      thinking: { type: 'enabled', budget_tokens: 2048 },
      tools: [{ type: 'web_search_20250305', name: 'web_search' }, weather],
    })
    .withResponse();
  assert.equal(data.type, 'message');
  assert.equal(response.headers.get('x-sallyport-adjusted'), 'tools=dropped');
  assert.equal(it.simulator.received().at(-1)?.path, '/v1/messages');
  const { cache_salt: salt, ...body } = sent();
  assert.equal(typeof salt, 'string');
  assert.deepEqual(body, {
    model: 'tiny',
    max_tokens: 5,
    messages: [{ role: 'user', content: [{ type: 'text', text: 'hi' }] }],
    thinking: { type: 'enabled', budget_tokens: 2048 },
    tools: [{ name: weather.name, description: weather.description, input_schema: weather.input_schema }],
  });
});

test("a refusal has the form that the stock Anthropic SDK's errors are made of", async () => {
  await assert.rejects(
    client.messages.create({
      model: 'tiny',
      max_tokens: 5,
      messages: [
        { role: 'user', content: [{ type: 'image', source: { type: 'url', url: 'http://169.254.169.254/' } }] },
      ],
    }),
    (error) => {
      assert.ok(error instanceof Anthropic.BadRequestError);
      assert.equal(error.type, 'invalid_request_error');
      const { code, param } = (error.error as { error: { code: string; param: string } }).error;
      assert.deepEqual([code, param], ['forbidden_field', 'messages[0].content[0].source.url']);
      return true;
    },
  );
});

test("a stream that upstream breaks is an error of the stock Anthropic SDK's", async () => {
  it.simulator.misbehave({ kind: 'cut-stream', path: '/v1/messages' });
  const stream = await client.messages.create({ model: 'tiny', messages, max_tokens: 9, stream: true });
  await assert.rejects(async () => {
    for await (const event of stream) assert.ok(event.type !== 'message_stop');
  }, /upstream_error|ended its answer|server/i);
});
