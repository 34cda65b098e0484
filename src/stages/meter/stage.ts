import type { Usage } from '../../kernel/exchange.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../kernel/json.ts';
import type { Stage } from '../../kernel/stage.ts';

/** Notes the tokens that upstream counted; they are read from the answer, never from the caller. */
export function createMeter(): Stage<'request' | 'route', 'usage'> {
  return {
    name: 'meter',
    adds: ['usage'],
    decide(x) {
      x.usage = { promptTokens: undefined, completionTokens: undefined };
      return undefined;
    },
    inspect(x) {
      // A stored response says what it has cost each time that it is read: counting it again would make up tokens.
      if (x.route.family === 'stored-response') return undefined;
      return {
        event(event) {
          // Usage stands in one of many events: the text is searched before anything is parsed for it.
          if (event.data.includes('"usage"')) note(x.usage, event.json());
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

function note(usage: Usage, answer: JsonObject | undefined): void {
  // Events of Anthropic's and of the Responses API hold the whole answer in a member.
  for (const whole of [answer, answer?.['message'], answer?.['response']]) {
    const counted = isJsonObject(whole) ? (whole['usage'] ?? billedUnits(whole)) : undefined;
    if (!isJsonObject(counted)) continue;
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
