import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exchange, fakeDownstream } from '../../../test/support/exchange.ts';
import { newUsage } from '../../kernel/exchange.ts';
import type { JsonObject } from '../../kernel/json.ts';
import { createMeter } from './stage.ts';

for (const { name, answer, prompt, completion } of [
  { name: 'a chat', answer: { usage: { prompt_tokens: 5, completion_tokens: 2 } }, prompt: 5, completion: 2 },
  { name: 'a rerank', answer: { usage: { prompt_tokens: 4, total_tokens: 4 } }, prompt: 4, completion: undefined },
  {
    name: 'an embedding of Cohere',
    answer: { meta: { billed_units: { input_tokens: 3, image_tokens: null } } },
    prompt: 3,
    completion: undefined,
  },
  { name: 'the tokenizer', answer: { count: 9, tokens: [1] }, prompt: undefined, completion: undefined },
  { name: 'an odd server', answer: { meta: 5, usage: [] }, prompt: undefined, completion: undefined },
  {
    name: 'a server that counts nonsense',
    answer: { usage: { prompt_tokens: -1, completion_tokens: 1.5 } },
    prompt: undefined,
    completion: undefined,
  },
] satisfies readonly {
  name: string;
  answer: JsonObject;
  prompt: number | undefined;
  completion: number | undefined;
}[]) {
  test(`of an answer of ${name} the tokens are ${String(prompt)} and ${String(completion)}`, () => {
    const usage = newUsage();
    const x = exchange(fakeDownstream(), { usage });
    const inspector = createMeter().inspect?.(x, { status: 200, header: () => undefined });
    assert.equal(inspector?.body?.(answer), answer);
    assert.deepEqual([usage.promptTokens, usage.completionTokens], [prompt, completion]);
  });
}

test('what a stored response has cost is not counted again each time that it is read', () => {
  const x = exchange(fakeDownstream(), {
    route: {
      id: 'responses-get',
      family: 'stored-response',
      method: 'GET',
      path: '/v1/responses/{response_id}',
      scope: 'inference:responses',
    },
  });
  assert.equal(createMeter().inspect?.(x, { status: 200, header: () => undefined }), undefined);
});

test('of several prompts the tokens of one are not taken for those of all', () => {
  const usage = newUsage();
  const x = exchange(fakeDownstream(), {
    usage,
    request: {
      model: 'm',
      body: { prompt: ['a', 'b'] },
      isStream: true,
      wantsUsage: false,
      adjusted: [],
      output: undefined,
    },
  });
  const inspector = createMeter().inspect?.(x, { status: 200, header: () => undefined });
  const event = (data: object) =>
    inspector?.event?.({
      data: JSON.stringify(data),
      type: '',
      json: () => data as JsonObject,
      replace: () => undefined,
    });
  event({ choices: [{ index: 1, text: 'x' }], usage: { prompt_tokens: 2, completion_tokens: 3 } });
  event({ choices: [{ index: 0, text: 'x' }], usage: { prompt_tokens: 9, completion_tokens: 4 } });
  assert.deepEqual([usage.promptTokens, usage.completionTokens], [undefined, 7]);
  event({ choices: [], usage: { prompt_tokens: 11, completion_tokens: 8 } });
  assert.deepEqual([usage.promptTokens, usage.completionTokens], [11, 8]);
});

for (const [family, type, delta, expected] of [
  ['messages', 'content_block_delta', { text: 'four' }, [1, 0]],
  ['messages', 'content_block_delta', { text: '-'.repeat(64) }, [1, 7]],
  ['messages', 'content_block_delta', { thinking: 'x'.repeat(17) }, [1, 1]],
  ['messages', 'content_block_delta', { partial_json: 'x'.repeat(15) }, [1, 0]],
  ['messages', 'content_block_stop', { text: 'x'.repeat(64) }, [0, 0]],
  ['responses', 'response.output_text.delta', 'x'.repeat(40), [1, 4]],
  ['chat', '', 'x'.repeat(40), [1, 0]],
] as const) {
  test(`an event ${type} of ${family} with ${JSON.stringify(delta)} is ${expected[0]} for certain and a guess of ${expected[1]} besides`, () => {
    const usage = newUsage();
    const { route } = exchange(fakeDownstream(), {});
    const x = exchange(fakeDownstream(), { usage, route: { ...route, family } });
    const inspector = createMeter().inspect?.(x, { status: 200, header: () => undefined });
    const data = { type, delta };
    inspector?.event?.({ data: JSON.stringify(data), type, json: () => data, replace: () => undefined });
    assert.deepEqual([usage.deltas, usage.guessed], expected);
    const end = { type: 'end', usage: { output_tokens: 9 } };
    inspector?.event?.({ data: JSON.stringify(end), type: 'end', json: () => end, replace: () => undefined });
    assert.deepEqual([usage.completionTokens, usage.deltas, usage.guessed], [9, 0, 0]);
  });
}
