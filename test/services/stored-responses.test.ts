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

/** Long prompts, none like another, until it is told to end: the engine is as slow as one of a real model. */
function slowEngine(): () => Promise<void> {
  let isOver = false;
  let asked = 0;
  async function ask(): Promise<void> {
    while (!isOver) {
      const seed = ++asked * 104_729;
      const prompt = Array.from({ length: 600 }, (_, i) => (seed + i * 7919).toString(36)).join(' ');
      const body = JSON.stringify({ model: 'tiny', prompt: prompt.slice(0, 2_500), max_tokens: 1 });
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch(`${VLLM_URL}/v1/completions`, { method: 'POST', headers, body });
      assert.equal(answer.status, 200, await answer.text());
    }
  }
  const all = Promise.all([ask(), ask(), ask(), ask()]);
  return async () => {
    isOver = true;
    await all;
  };
}

test('a real vLLM answers in the background and cancels what runs there', async () => {
  // Alone, a small model is so quick that vLLM's loop has no turn for the id of the answer until that has ended.
  const end = slowEngine();
  // It may end by itself at any token: of some answers one at least is met while it runs.
  const ended: string[] = [];
  try {
    while (!ended.includes('cancelled') && ended.length < 20) {
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
  } finally {
    await end();
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
