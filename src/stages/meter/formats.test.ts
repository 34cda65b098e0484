import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exchange, fakeDownstream } from '../../../test/support/exchange.ts';
import { inspectEvent } from '../../forward/stream-event.ts';
import { newUsage, type Usage } from '../../kernel/exchange.ts';
import type { JsonObject } from '../../kernel/json.ts';
import { createMeter } from './stage.ts';

/** What is counted of an answer: of a body, or of events in turn. */
function counted(answer: JsonObject | readonly JsonObject[]): Usage {
  const usage: Usage = newUsage();
  const head = { status: 200, header: () => undefined };
  const inspector = createMeter().inspect?.(exchange(fakeDownstream(), { usage }), head) ?? assert.fail();
  if (!Array.isArray(answer)) assert.equal(inspector.body?.(answer as JsonObject), answer, 'nothing is changed');
  else for (const data of answer) inspectEvent({ type: '', data: JSON.stringify(data) }, [inspector]);
  return usage;
}

for (const { name, answer, expected } of [
  { name: 'a chat', answer: { usage: { prompt_tokens: 5, completion_tokens: 6 } }, expected: [5, 6] },
  {
    name: 'the last event of a chat',
    answer: [{ choices: [] }, { choices: [], usage: { prompt_tokens: 5, completion_tokens: 6 } }],
    expected: [5, 6],
  },
  { name: 'a message', answer: { type: 'message', usage: { input_tokens: 5, output_tokens: 6 } }, expected: [5, 6] },
  {
    name: 'the beginning and the end of a streamed message',
    answer: [
      { type: 'message_start', message: { usage: { input_tokens: 5, output_tokens: 0 } } },
      { type: 'message_delta', usage: { output_tokens: 6 } },
    ],
    expected: [5, 6],
  },
  {
    name: 'a response',
    answer: { object: 'response', usage: { input_tokens: 5, output_tokens: 6 } },
    expected: [5, 6],
  },
  {
    name: 'the last event of a streamed response',
    answer: [
      { type: 'response.created', response: { usage: null } },
      { type: 'response.completed', response: { usage: { input_tokens: 5, output_tokens: 6 } } },
    ],
    expected: [5, 6],
  },
  { name: 'embeddings', answer: { usage: { prompt_tokens: 5, total_tokens: 5 } }, expected: [5, undefined] },
  {
    name: 'a transcription, which are none',
    answer: { usage: { type: 'duration', seconds: 5 } },
    expected: [undefined, undefined],
  },
  {
    name: 'the last event of a transcription',
    answer: [{ choices: [], usage: { prompt_tokens: 5, completion_tokens: 6 } }],
    expected: [5, 6],
  },
  {
    name: 'numbers that are none',
    answer: { usage: { prompt_tokens: -1, completion_tokens: 1.5 } },
    expected: [undefined, undefined],
  },
  { name: 'a text that only mentions it', answer: [{ text: '"usage"' }], expected: [undefined, undefined] },
] satisfies readonly { name: string; answer: JsonObject | JsonObject[]; expected: (number | undefined)[] }[]) {
  test(`counts the tokens of ${name}`, () => {
    const { promptTokens, completionTokens } = counted(answer);
    assert.deepEqual([promptTokens, completionTokens], expected);
  });
}
