import type { Generation } from './generation.ts';
import { namedEvent } from './plan.ts';
import type { MadeCall } from './tool-calls.ts';
import { answerWords } from './words.ts';

/** An answer to be streamed. */
export interface MadeMessage {
  readonly prompt: string;
  readonly promptTokens: number;
  readonly generation: Generation;
  readonly call: MadeCall | undefined;
  readonly stopReason: string;
}

/** The events of a message, made one by one so that an aborted stream costs nothing more. */
export function* messageEvents(id: string, made: MadeMessage): Generator<string> {
  const { prompt, promptTokens, generation, call } = made;
  const { model, tokens } = generation;
  const empty = { content: [], model, stop_reason: null, stop_sequence: null };
  const usage = { input_tokens: promptTokens, output_tokens: 0 };
  const message = { id, type: 'message', role: 'assistant', ...empty, usage };
  yield namedEvent('message_start', { type: 'message_start', message });
  const block =
    call === undefined ? { type: 'text', text: '' } : { type: 'tool_use', id: call.id, name: call.name, input: {} };
  yield namedEvent('content_block_start', { type: 'content_block_start', content_block: block, index: 0 });
  for (const text of call?.pieces ?? answerWords(prompt, tokens)) {
    const delta = call === undefined ? { type: 'text_delta', text } : { type: 'input_json_delta', partial_json: text };
    yield namedEvent('content_block_delta', { type: 'content_block_delta', delta, index: 0 });
  }
  yield namedEvent('content_block_stop', { type: 'content_block_stop', index: 0 });
  yield namedEvent('message_delta', {
    type: 'message_delta',
    delta: { stop_reason: made.stopReason, stop_sequence: null },
    usage: { ...usage, output_tokens: call?.pieces.length ?? tokens },
  });
  yield namedEvent('message_stop', { type: 'message_stop' });
}
