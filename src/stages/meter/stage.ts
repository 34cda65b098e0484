import { newUsage, type RouteFamily, type Usage } from '../../kernel/exchange.ts';
import { promptsIn } from '../../vllm/fields/prompt-size.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../kernel/json.ts';
import type { Stage, StreamEvent } from '../../kernel/stage.ts';

/** Notes the tokens that upstream counted; they are read from the answer, never from the caller. */
export function createMeter(): Stage<'request' | 'route', 'usage'> {
  return {
    name: 'meter',
    adds: ['usage'],
    decide(x) {
      x.usage = newUsage();
      return undefined;
    },
    inspect(x) {
      // A stored response says what it has cost each time that it is read: counting it again would make up tokens.
      if (x.route.family === 'stored-response') return undefined;
      const { family } = x.route;
      const choices = new Map<number, number>();
      const isOnePrompt = promptsIn(x.request.body['prompt']) === 1;
      return {
        event(event) {
          // Usage stands in one of many events: the text is searched before anything is parsed for it.
          const told = event.data.includes('"usage"') && noteEvent(x.usage, event.json(), choices, isOnePrompt);
          if (told) [x.usage.deltas, x.usage.guessed] = [0, 0];
          else if (isDelta(family, event)) {
            x.usage.deltas += 1;
            x.usage.guessed += moreTokensIn(family, event);
          }
          return 'pass';
        },
        body(value) {
          note(x.usage, value);
          return value;
        },
      };
    },
  };
}

/** Whether an event brings something of the answer; of some families it says so itself. */
function isDelta(family: RouteFamily, { type }: StreamEvent): boolean {
  if (family === 'messages') return type === 'content_block_delta';
  return family === 'responses' ? type.endsWith('.delta') : true;
}

/**
 * Tokens that an event is likely to hold beyond one, where upstream tells them only at the end: with speculative decoding, or
 * where events are gathered, one holds many, and who hangs up before the end would have had them for one.
 */
function moreTokensIn(family: RouteFamily, event: StreamEvent): number {
  if (family !== 'messages' && family !== 'responses') return 0;
  const delta = event.json()?.['delta'];
  const text = isJsonObject(delta) ? (delta['text'] ?? delta['partial_json'] ?? delta['thinking']) : delta;
  return typeof text === 'string' ? Math.max(0, Math.floor(text.length / LONG_TOKEN) - 1) : 0;
}

/** Characters; hardly any token of words has more, but one of dashes or blanks may have 64 and more. */
const LONG_TOKEN = 8;

/**
 * Notes what an event says of the answer's tokens until now. In events of a choice it is that choice's, in the last one that of
 * all. Gives whether it says it.
 */
function noteEvent(
  usage: Usage,
  event: JsonObject | undefined,
  choices: Map<number, number>,
  isOnePrompt: boolean,
): boolean {
  const [first] = Array.isArray(event?.['choices']) ? event['choices'] : [];
  const before = usage.completionTokens;
  const promptBefore = usage.promptTokens;
  usage.completionTokens = undefined;
  note(usage, event);
  const told = usage.completionTokens;
  if (told === undefined) {
    usage.completionTokens = before;
    return false;
  }
  if (isJsonObject(first)) {
    // It is the prompt of that choice: of several prompts the others would be forgotten.
    if (!isOnePrompt) usage.promptTokens = promptBefore;
    choices.set(count(first['index']) ?? 0, told);
    usage.completionTokens = choices.values().reduce((sum, tokens) => sum + tokens, 0);
  }
  return true;
}

function note(usage: Usage, answer: JsonObject | undefined): void {
  // Events of Anthropic's and of the Responses API hold the whole answer in a member.
  for (const whole of [answer, answer?.['message'], answer?.['response']]) {
    const counted = isJsonObject(whole) ? (whole['usage'] ?? billedUnits(whole)) : undefined;
    if (!isJsonObject(counted)) continue;
    const details = counted['prompt_tokens_details'] ?? counted['input_tokens_details'];
    usage.cachedTokens =
      (isJsonObject(details) ? count(details['cached_tokens']) : undefined) ??
      count(counted['cache_read_input_tokens']) ??
      usage.cachedTokens;
    usage.promptTokens = count(counted['prompt_tokens']) ?? count(counted['input_tokens']) ?? usage.promptTokens;
    usage.completionTokens =
      count(counted['completion_tokens']) ?? count(counted['output_tokens']) ?? usage.completionTokens;
  }
}

/** Where answers in Cohere's format say it. */
const billedUnits = ({ meta }: JsonObject): JsonValue | undefined =>
  isJsonObject(meta) ? meta['billed_units'] : undefined;

const count = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
