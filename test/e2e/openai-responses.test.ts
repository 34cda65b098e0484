import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { openAiClient } from '../support/sdk.ts';

let it: TestGateway;
let client: OpenAI;
before(async () => {
  it = await startTestGateway({ workers: 2 });
  client = await openAiClient(it);
});
after(() => it[Symbol.asyncDispose]());

const weather: OpenAI.Responses.FunctionTool = {
  type: 'function',
  name: 'get_weather',
  strict: true,
  parameters: {
    type: 'object',
    properties: { city: { type: 'string', enum: ['Paris'] } },
    required: ['city'],
    additionalProperties: false,
  },
};
/** An answer's items as the next request's: the SDK's types know items that no answer has here. */
const itemsOf = ({ output }: OpenAI.Responses.Response) => output as OpenAI.Responses.ResponseInputItem[];
/** What upstream was sent last. */
const sent = (): Record<string, unknown> =>
  JSON.parse(it.simulator.received().at(-1)?.body ?? '{}') as Record<string, unknown>;

test('the stock OpenAI SDK gets a response, stored nowhere, without what vLLM says too much', async () => {
  const answer = await client.responses.create({
    model: 'tiny',
    input: 'Hello there',
    max_output_tokens: 5,
    store: true,
  });
  assert.ok(answer.output_text.length > 0);
  assert.equal(answer.status, 'incomplete');
  assert.equal(answer.usage?.output_tokens, 5);
  for (const name of ['kv_transfer_params', 'input_messages', 'output_messages']) assert.ok(!(name in answer), name);
  assert.deepEqual(Object.keys(answer.usage.input_tokens_details), ['cached_tokens', 'cache_write_tokens']);
  assert.equal(sent()['store'], false);
});

test('the stock OpenAI SDK streams a response', async () => {
  const stream = client.responses.stream({ model: 'tiny', input: 'Hello there', max_output_tokens: 5 });
  let text = '';
  stream.on('response.output_text.delta', ({ delta }) => (text += delta));
  const whole = await stream.finalResponse();
  assert.ok(text.length > 0);
  assert.equal(whole.output_text, text);
  assert.equal(whole.usage?.output_tokens, 5);
});

test('the stock OpenAI SDK calls a function and gives its result back', async () => {
  const first = await client.responses.create({ model: 'tiny', input: 'Use get_weather.', tools: [weather] });
  const call = first.output.find((item) => item.type === 'function_call') ?? assert.fail('no call');
  assert.deepEqual([call.name, call.arguments], ['get_weather', '{"city":"Paris"}']);
  const second = await client.responses.create({
    model: 'tiny',
    tools: [weather],
    input: [
      { role: 'user', content: 'Use get_weather.' },
      ...itemsOf(first),
      { type: 'function_call_output', call_id: call.call_id, output: 'Sun.' },
    ],
  });
  assert.ok(second.output_text.length > 0);
  const third = await client.responses.create({
    model: 'tiny',
    input: [{ role: 'user', content: 'Again.' }, ...itemsOf(second), { role: 'user', content: 'And again.' }],
  });
  assert.ok(third.output_text.length > 0);
});

test('what a coding agent sends is answered: foreign tools are left out and named, hints are dropped', async () => {
  const { data, response } = await client.responses
    .create({
      model: 'tiny',
      instructions: 'Be brief.',
      input: [
        { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'hi' }] },
        { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'gAAAA' },
      ],
      tools: [{ type: 'web_search' }, { type: 'custom', name: 'apply_patch' }, weather],
      tool_choice: 'auto',
      parallel_tool_calls: false,
      reasoning: { effort: 'medium', summary: 'auto' },
      store: false,
      include: ['reasoning.encrypted_content'],
      prompt_cache_key: 'k',
      text: { verbosity: 'low' },
      truncation: 'auto',
      ...{ client_metadata: { 'x-codex-installation-id': 'i' } }, // Codex sends it; the SDK's types do not know it
    })
    .withResponse();
  assert.equal(data.status, 'completed');
  assert.equal(response.headers.get('x-sallyport-adjusted'), 'tools=dropped');
  const { cache_salt: salt, max_output_tokens: most, ...body } = sent();
  assert.deepEqual([typeof salt, typeof most], ['string', 'number']);
  assert.deepEqual(body, {
    model: 'tiny',
    instructions: 'Be brief.',
    input: [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: 'hi' }] }],
    tools: [weather],
    tool_choice: 'auto',
    parallel_tool_calls: false,
    reasoning: { effort: 'medium' },
    store: false,
  });
});

for (const { param, change } of [
  { param: 'background', change: { background: true } },
  { param: 'previous_response_id', change: { previous_response_id: 'resp_1' } },
  { param: 'conversation', change: { conversation: 'conv_1' } },
  { param: 'prompt', change: { prompt: { id: 'pmpt_1' } } },
] satisfies { param: string; change: Partial<OpenAI.Responses.ResponseCreateParamsNonStreaming> }[]) {
  test(`${param} is forbidden_field: nothing is stored`, async () => {
    await assert.rejects(client.responses.create({ model: 'tiny', input: 'hi', ...change }), (error) => {
      assert.ok(error instanceof OpenAI.BadRequestError);
      assert.deepEqual([error.code, error.param], ['forbidden_field', param]);
      return true;
    });
  });
}

test("a stream that upstream breaks is an error of the stock OpenAI SDK's", async () => {
  it.simulator.misbehave({ kind: 'cut-stream', path: '/v1/responses' });
  const stream = await client.responses.create({ model: 'tiny', input: 'hi', stream: true });
  await assert.rejects(
    async () => {
      for await (const event of stream) assert.ok(event.type !== 'response.completed');
    },
    (error) => error instanceof OpenAI.APIError && error.code === 'upstream_error',
  );
});
