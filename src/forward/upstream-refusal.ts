import { deny, type Denial } from '../kernel/reasons.ts';

/**
 * Our own words for an answer of vLLM that is no success. Its text goes nowhere: it echoes input, lists models and has
 * held paths, addresses and stacks. Only numbers of known messages are taken over.
 *
 * @param text the beginning of upstream's body
 */
export function denialOfUpstream(status: number, text: string): Denial {
  switch (status) {
    case 400:
    case 422:
      return invalid(text);
    case 413:
      return deny('invalid_request', { message: 'The model server found the request too large. Send less.' });
    case 404:
      return isModelMissing(text)
        ? deny('unknown_model', { param: 'model' })
        : deny('unknown_model', { param: 'model', message: 'The upstream of this model does not offer this route.' });
    case 503:
      return deny('overloaded', { message: 'The model server has no room for this request now.', retryAfterMs: 1000 });
    case 504:
      return deny('upstream_timeout');
    default:
      // Also 401 and 403: they concern the gateway's own key, not the caller's.
      return deny('upstream_error');
  }
}

/** Whether a 404 is about the model, and not about the route or something that the request names. */
export const isModelMissing = (text: string): boolean => MODEL_MISSING.test(text);

/**
 * How many tokens of output a refusal for length leaves, in the words of vLLM 0.9 to 0.33. Undefined where it refuses for
 * something else, or leaves none. Some releases stop counting a prompt where it no longer fits: of those only what it
 * has at least is known, and the rest is guessed.
 *
 * @param promptTokens what the prompt is likely to have, where the refusal does not say
 */
export function roomLeftBy(text: string, promptTokens: number): number | undefined {
  const limit = Number((CONTEXT_LENGTH.exec(text) ?? MAX_TOKENS.exec(text))?.[1]);
  const counted = PROMPT_TOKENS.exec(text);
  if (counted !== null) return atLeastOne(limit - Number(counted[1] ?? counted[2]));
  const beyond = PROMPT_BEYOND.exec(text);
  // With a context but no prompt it is the prompt itself that is too long.
  if (beyond === null && !MAX_TOKENS.test(text)) return undefined;
  const least = Number(beyond?.[1] ?? beyond?.[2] ?? beyond?.[3] ?? 0);
  const isLikely = promptTokens > least && promptTokens < limit;
  return atLeastOne(isLikely ? limit - promptTokens : Math.floor((limit - least) / 2));
}

const atLeastOne = (room: number): number | undefined => (room >= 1 ? room : undefined);

function invalid(text: string): Denial {
  const context = CONTEXT_LENGTH.exec(text) ?? MAX_TOKENS.exec(text);
  if (context !== null) {
    const limit = context[1] ?? '';
    return deny('context_length_exceeded', {
      message: `Prompt and output together exceed the model's context of ${limit} tokens. Shorten the prompt or lower max_tokens.`,
    });
  }
  if (NO_STORE.test(text)) {
    return deny('invalid_request', {
      param: 'background',
      message:
        'The model server stores no responses. Its operator has to start it with VLLM_ENABLE_RESPONSES_API_STORE=1.',
    });
  }
  const param = PARAM.exec(text)?.[1]?.replace(/^body\./, '');
  const detail = { message: 'The model server refused the request as invalid. Check its fields against the model.' };
  return deny('invalid_request', param !== undefined && FIELD.test(param) ? { ...detail, param } : detail);
}

const MODEL_MISSING = /"type"\s*:\s*"NotFoundError"|does not exist/;
const CONTEXT_LENGTH = /(?:maximum context length is|context length of|context length is only) (\d{1,9})/;
const NO_STORE = /does not support `store=True`/;
const MAX_TOKENS = /cannot be greater than max_model_len=(?:max_total_tokens=)?(\d{1,9})/;
const PROMPT_TOKENS =
  /(?:your prompt contains|your request has) (\d{1,9}) input tokens(?:, for a total| \()|\((\d{1,9}) in the (?:messages|prompt)/;
/** More than so many tokens, which are those of the context that the wanted output leaves. */
const PROMPT_BEYOND =
  /contains at least (\d{1,9}) input tokens|upper bound for (\d{1,9}) input tokens|maximum input length of (\d{1,9}) tokens/;
const PARAM = /"param"\s*:\s*"([^"]{1,64})"/;
/** A plain field name: nothing of the caller's own text can pass as one that we did not validate before. */
const FIELD = /^[a-z_]{1,40}$/;
