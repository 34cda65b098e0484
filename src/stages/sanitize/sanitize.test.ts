import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exchange, fakeDownstream } from '../../../test/support/exchange.ts';
import type { JsonObject } from '../../kernel/json.ts';
import { deny } from '../../kernel/reasons.ts';
import { inspectEvent } from '../../forward/stream-event.ts';
import { createSanitize } from './stage.ts';

const HEAD = { status: 200, header: () => undefined };
const request = (wantsUsage: boolean) => ({
  model: 'tiny',
  body: {},
  isStream: true,
  wantsUsage,
  adjusted: [],
  output: undefined,
});
type Family = 'chat' | 'completions' | 'embeddings' | 'responses' | 'stored-response';
const route = (family: Family) => ({ id: family, family, method: 'POST', path: '/', scope: 'inference:chat' }) as const;

function inspector(family: Family, wantsUsage = false) {
  const found = createSanitize().inspect?.(
    exchange(fakeDownstream(), { route: route(family), request: request(wantsUsage) }),
    HEAD,
  );
  return found ?? assert.fail('no inspector');
}
const event = (data: JsonObject, wantsUsage = false): unknown => {
  const text = inspectEvent({ type: '', data: JSON.stringify(data) }, [inspector('chat', wantsUsage)]);
  return typeof text === 'string' && text !== '' ? JSON.parse(text.slice('data: '.length)) : text;
};

test('a chat answer keeps what OpenAI has and nothing else', () => {
  const answer = {
    id: 'x',
    object: 'chat.completion',
    created: 1,
    model: 'tiny',
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: 'hi',
          refusal: null,
          tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{}', secret: 1 } }],
          secret: 1,
        },
        logprobs: null,
        finish_reason: 'stop',
        stop_reason: 5,
        token_ids: [1],
        routed_experts: [1],
      },
    ],
    usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3, prompt_tokens_details: { cached_tokens: 1 } },
    system_fingerprint: 'vllm-0.32.0-abc',
    prompt_logprobs: [1],
    kv_transfer_params: {},
    metrics: {},
    constructor: 'x',
  };
  assert.deepEqual(inspector('chat').body?.(answer as unknown as JsonObject), {
    id: 'x',
    object: 'chat.completion',
    created: 1,
    model: 'tiny',
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: 'hi',
          refusal: null,
          tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }],
        },
        logprobs: null,
        finish_reason: 'stop',
      },
    ],
    usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3, prompt_tokens_details: { cached_tokens: 1 } },
  });
});

test('the usage event goes only to who asked for it, and usage in other events to nobody', () => {
  const usage = { choices: [], usage: { prompt_tokens: 1 } };
  assert.equal(event(usage), '');
  assert.deepEqual(event(usage, true), usage);
  const continuous = { choices: [{ index: 0, delta: { content: 'a' } }], usage: { prompt_tokens: 1 } };
  assert.deepEqual(event(continuous), { choices: continuous.choices });
  assert.deepEqual(event(continuous, true), { choices: continuous.choices });
});

test('an event without a list of choices is upstream_error', () => {
  for (const data of [{}, { id: 'x' }, { choices: null }, { choices: { index: 0 } }]) {
    assert.deepEqual(event(data, true), deny('upstream_error'));
  }
});

test('an event with a name is upstream_error where events have none', () => {
  const data = JSON.stringify({ id: 'x', choices: [{ index: 0, delta: { content: 'hi' } }] });
  for (const type of ['error', '/srv/secret 10.0.0.1']) {
    assert.deepEqual(inspectEvent({ type, data }, [inspector('chat')]), deny('upstream_error'));
  }
});

test('events lose token ids, prompts and fingerprints', () => {
  const chunk = {
    id: 'x',
    choices: [{ index: 0, delta: { role: 'assistant', content: '' }, token_ids: [5] }],
    prompt_token_ids: [1],
    prompt_text: 'secret',
    system_fingerprint: 'v',
  };
  assert.deepEqual(event(chunk as unknown as JsonObject), {
    id: 'x',
    choices: [{ index: 0, delta: { role: 'assistant', content: '' } }],
  });
});

test('an event that is no JSON object, or an error of upstream, is not passed on', () => {
  for (const data of ['nonsense', '[1]', '"x"', '{"error":{"message":"/srv/secret"}}', '']) {
    assert.equal(inspectEvent({ type: '', data }, [inspector('chat')]), undefined, data);
  }
});

test('completions and embeddings have lists of their own', () => {
  const text = {
    id: 'c',
    choices: [{ index: 0, text: 'hi', finish_reason: null, stop_reason: 1, prompt_token_ids: [1] }],
  };
  assert.deepEqual(inspector('completions').body?.(text as unknown as JsonObject), {
    id: 'c',
    choices: [{ index: 0, text: 'hi', finish_reason: null }],
  });
  const embedding = {
    object: 'list',
    data: [{ index: 0, object: 'embedding', embedding: [0.5], extra: 1 }],
    metrics: 1,
  };
  assert.deepEqual(inspector('embeddings').body?.(embedding as unknown as JsonObject), {
    object: 'list',
    data: [{ index: 0, object: 'embedding', embedding: [0.5] }],
  });
});

const stored = {
  id: 'resp_1',
  object: 'response',
  created_at: 1,
  model: 'tiny',
  background: true,
  previous_response_id: null,
  output: [],
  usage: null,
};
for (const status of ['queued', 'in_progress', 'completed', 'incomplete', 'cancelled']) {
  test(`a stored response that is ${status} keeps what OpenAI has and nothing else`, () => {
    const more = { kv_transfer_params: {}, input_messages: [{ secret: 1 }], metrics: {}, error: 'at /opt/vllm' };
    const answer = { ...stored, status, ...more };
    assert.deepEqual(inspector('stored-response').body?.(answer), { ...stored, status });
  });
}

test('of a stored response that has failed the error is in our own words; at once it is upstream_error', () => {
  const answer = { ...stored, status: 'failed', error: { message: 'CUDA at 0x7f' } };
  assert.deepEqual(inspector('stored-response').body?.(answer), {
    ...stored,
    status: 'failed',
    error: { code: 'server_error', message: 'The model server failed on this request.' },
  });
  assert.deepEqual(inspector('responses').body?.(answer), deny('upstream_error'));
});

test('what is no response is upstream_error where one was to be read', () => {
  for (const answer of [{}, { ...stored, object: 'list' }, { ...stored, output: null }]) {
    assert.deepEqual(inspector('stored-response').body?.(answer), deny('upstream_error'));
  }
});
