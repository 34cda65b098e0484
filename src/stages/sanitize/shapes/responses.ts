import { isJsonObject, type JsonObject } from '../../../kernel/json.ts';
import { reasons } from '../../../kernel/reasons.ts';
import { shape, type AnswerShapes, type Shape } from './shape.ts';

const TOKEN = shape('token logprob bytes', { top_logprobs: [shape('token logprob bytes')] });
/** Members of all kinds of parts: text, refusals, reasoning. */
const PART = shape('type text refusal annotations', { logprobs: [TOKEN] });
/** Members of messages, calls and reasoning. Items of other kinds, of tools that are closed, keep no more than these. */
const ITEM = shape('type id role status phase call_id name namespace arguments', { content: [PART], summary: [PART] });
/** Cached-token counts tell what the same tenant has sent before: the prefix cache is kept apart by tenant. */
const USAGE = shape('input_tokens output_tokens total_tokens', {
  input_tokens_details: shape('cached_tokens cache_write_tokens'),
  output_tokens_details: shape('reasoning_tokens'),
});
/** What the caller has asked for comes back, as in OpenAI's API; what vLLM adds to it does not. */
const RESPONSE = shape(
  'id object created_at completed_at status background instructions max_output_tokens max_tool_calls metadata model ' +
    'parallel_tool_calls previous_response_id prompt prompt_cache_key reasoning safety_identifier service_tier ' +
    'temperature text tool_choice tools top_logprobs top_p truncation user',
  // `error` is text of upstream's, which goes nowhere.
  { incomplete_details: shape('reason'), output: [ITEM], usage: USAGE },
);

const whole = shape('type sequence_number', { response: RESPONSE });
const item = shape('type sequence_number output_index', { item: ITEM });
const AT = 'type sequence_number output_index item_id';
const part = shape(`${AT} content_index`, { part: PART });
const summaryPart = shape(`${AT} summary_index`, { part: PART });
const text = shape(`${AT} content_index delta text refusal`, { logprobs: [TOKEN] });
const summaryText = shape(`${AT} summary_index delta text`);

const isResponse = ({ object, output }: JsonObject): boolean =>
  object === 'response' && Array.isArray(output) && output.every(isJsonObject);

/** Responses. */
export const responses: AnswerShapes = {
  body: RESPONSE,
  isAnswer: (value) => isResponse(value) && value['status'] !== 'failed',
  event: shape(''),
  events: new Map<string, Shape | 'fault'>([
    ['response.created', whole],
    ['response.queued', whole],
    ['response.in_progress', whole],
    ['response.completed', whole],
    ['response.incomplete', whole],
    ['response.output_item.added', item],
    ['response.output_item.done', item],
    ['response.content_part.added', part],
    ['response.content_part.done', part],
    ['response.output_text.delta', text],
    ['response.output_text.done', text],
    ['response.refusal.delta', text],
    ['response.refusal.done', text],
    ['response.reasoning_text.delta', text],
    ['response.reasoning_text.done', text],
    // Names of releases before 0.16, which clients of theirs know.
    ['response.reasoning_part.added', part],
    ['response.reasoning_part.done', part],
    ['response.reasoning_summary_part.added', summaryPart],
    ['response.reasoning_summary_part.done', summaryPart],
    ['response.reasoning_summary_text.delta', summaryText],
    ['response.reasoning_summary_text.done', summaryText],
    ['response.function_call_arguments.delta', shape(`${AT} delta`)],
    ['response.function_call_arguments.done', shape(`${AT} name arguments`)],
    ['response.failed', 'fault'],
    ['error', 'fault'],
  ]),
};

/** Stored responses, read or cancelled: also one that has failed, of which vLLM says no more than that. */
export const storedResponse: AnswerShapes = {
  body: RESPONSE,
  isAnswer: isResponse,
  complete(kept) {
    if (kept['status'] === 'failed') kept['error'] = { code: 'server_error', message: reasons.upstream_error.message };
  },
  event: shape(''),
};
