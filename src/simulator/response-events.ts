import { namedEvent } from './plan.ts';
import type { MadeCall } from './tool-calls.ts';
import { answerText, answerWords } from './words.ts';

/** An answer to be streamed. */
export interface MadeResponse {
  /** The response before anything was made, and after. */
  readonly begun: object;
  readonly whole: object;
  /** Its one item, whole. */
  readonly item: object;
  readonly prompt: string;
  readonly tokens: number;
  /** What it says in place of words; undefined for words. */
  readonly pieces: readonly string[] | undefined;
  readonly call: MadeCall | undefined;
}

/**
 * The events of a response, numbered from 0, made one by one so that an aborted stream costs nothing more.
 *
 * @param onEnd called before the last one
 */
export function* responseEvents(made: MadeResponse, onEnd: () => void): Generator<string> {
  let number = 0;
  // As recorded: members in the order of the alphabet.
  const event = (type: string, facts: object): string => {
    const members = Object.entries({ ...facts, sequence_number: number++, type });
    return namedEvent(type, Object.fromEntries(members.sort(([a], [b]) => (a < b ? -1 : 1))));
  };
  yield event('response.created', { response: made.begun });
  yield event('response.in_progress', { response: made.begun });
  const parts = made.call === undefined ? textParts(made) : callParts(made.call, made.item);
  for (const [type, facts] of parts) yield event(type, facts);
  onEnd();
  // As recorded: also where the answer is incomplete.
  yield event('response.completed', { response: made.whole });
}

type Part = readonly [type: string, facts: object];

function* textParts({ item, prompt, tokens, pieces }: MadeResponse): Generator<Part> {
  const { id: item_id } = item as { id: string };
  const at = { item_id, output_index: 0 };
  const text = pieces?.join('') ?? answerText(prompt, tokens);
  yield ['response.output_item.added', { item: { ...item, content: [], status: 'in_progress' }, output_index: 0 }];
  const part = { annotations: [], text: '', type: 'output_text', logprobs: [] };
  yield ['response.content_part.added', { content_index: 0, ...at, part }];
  for (const delta of pieces ?? answerWords(prompt, tokens)) {
    yield ['response.output_text.delta', { content_index: 0, delta, item_id, logprobs: [], output_index: 0 }];
  }
  yield ['response.output_text.done', { content_index: 0, item_id, logprobs: [], output_index: 0, text }];
  yield ['response.content_part.done', { content_index: 0, ...at, part: { ...part, text, logprobs: null } }];
  yield ['response.output_item.done', { item, output_index: 0 }];
}

function* callParts(call: MadeCall, item: object): Generator<Part> {
  const { id: item_id } = item as { id: string };
  const at = { item_id, output_index: 0 };
  yield ['response.output_item.added', { item: { ...item, arguments: '', status: 'in_progress' }, output_index: 0 }];
  for (const delta of call.pieces) yield ['response.function_call_arguments.delta', { delta, ...at }];
  const text = call.pieces.join('');
  yield ['response.function_call_arguments.done', { arguments: text, name: call.name, ...at }];
  yield ['response.output_item.done', { item, output_index: 0 }];
}
