import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { openAiClient } from '../support/sdk.ts';

/** Stored responses of a real vLLM, which was started with `VLLM_ENABLE_RESPONSES_API_STORE=1`. */
const { VLLM_URL = '' } = process.env;
const HI = { model: 'tiny', input: 'hello', max_output_tokens: 4 };

let it: TestGateway;
let owner: OpenAI;
let other: OpenAI;
before(async () => {
  it = await startTestGateway({
    upstreams: [{ name: 'vllm', url: VLLM_URL }],
    config: { validation: { storedResponses: true }, limits: { default: { requestsPerMinute: 'none' } } },
  });
  [owner, other] = [await openAiClient(it), await openAiClient(it)];
});
after(() => it[Symbol.asyncDispose]());

const isCode = (code: string) => (error: unknown) => error instanceof OpenAI.APIError && error.code === code;

test('a real vLLM gives a stored response to its owner, and goes on from it with what was said', async () => {
  const first = await owner.responses.create({ ...HI, store: true });
  assert.deepEqual(await owner.responses.retrieve(first.id), first);
  const second = await owner.responses.create({ ...HI, store: true, previous_response_id: first.id });
  assert.equal(second.previous_response_id, first.id);
  assert.ok((second.usage?.input_tokens ?? 0) > (first.usage?.input_tokens ?? 0));
  assert.deepEqual(await owner.responses.retrieve(second.id), second);
});

test('a real vLLM stores a stream under the id that its events carry', async () => {
  const ids = new Set<string>();
  for await (const event of await owner.responses.create({ ...HI, store: true, stream: true })) {
    if ('response' in event) ids.add(event.response.id);
  }
  assert.equal(ids.size, 1);
  const [id = ''] = ids;
  assert.equal((await owner.responses.retrieve(id)).id, id);
});

test('a real vLLM answers in the background and cancels what runs there', async () => {
  // vLLM sends the id of such an answer at times only when the answer has ended (its loop has no turn for it while a small model is
  // quick), and a random model may end by itself at any token: of many answers one is met while it runs.
  const ended: string[] = [];
  while (!ended.includes('cancelled') && ended.length < 60) {
    const long = await owner.responses.create({ ...HI, max_output_tokens: 400, background: true });
    assert.equal(long.status, 'queued');
    const status = await owner.responses.cancel(long.id).then(
      (cancelled) => cancelled.status,
      (error: unknown) => {
        assert.ok(isCode('invalid_request')(error));
        return 'ended';
      },
    );
    const { status: kept } = await owner.responses.retrieve(long.id);
    // At its last token or by itself, before it could be cancelled.
    if (status === 'ended') assert.ok(kept === 'completed' || kept === 'incomplete', String(kept));
    else assert.equal(kept, status);
    await assert.rejects(owner.responses.cancel(long.id), isCode('invalid_request'));
    ended.push(String(status));
  }
  assert.ok(ended.includes('cancelled'), ended.join(' '));
});

test('to another key the same ids lead nowhere, and what is not stored leads nowhere for its owner either', async () => {
  const { id } = await owner.responses.create({ ...HI, store: true });
  await assert.rejects(other.responses.retrieve(id), isCode('unknown_response'));
  await assert.rejects(other.responses.cancel(id), isCode('unknown_response'));
  await assert.rejects(other.responses.create({ ...HI, previous_response_id: id }), isCode('unknown_response'));
  const unstored = await owner.responses.create(HI);
  await assert.rejects(owner.responses.retrieve(unstored.id), isCode('unknown_response'));
  assert.equal((await fetch(`${VLLM_URL}/v1/responses/${unstored.id}`)).status, 404);
});
