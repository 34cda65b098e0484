import type { Clock } from '../kernel/clock.ts';
import type { Exchange, Has } from '../kernel/exchange.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../kernel/json.ts';
import type { Upstream } from '../kernel/transport.ts';
import { parseAnswer } from '../vllm/answers/parse-answer.ts';
import { upstreamHeaders } from '../forward/upstream-head.ts';
import { askUpstream } from './ask-upstream.ts';

/** Counts the tokens of a prompt; undefined where that cannot be found out in time: then it is estimated. */
export type CountPrompt = (x: Exchange & Has<'route' | 'request' | 'model'>) => Promise<number | undefined>;

/** What counting by upstream works with. */
export interface CountPromptDeps {
  readonly targets: readonly { readonly apiKey: string | undefined; readonly upstream: Upstream }[];
  /** Indexes of the targets that serve a model. */
  readonly serving: (model: string, family: 'tokenize') => readonly number[];
  readonly isUp: (index: number) => boolean;
  readonly userAgent: string;
  readonly clock: Clock;
}

/** A tokenizer answers within milliseconds; whoever waits for it waits for the answer, too. */
const PATIENCE_MS = 2_000;

/** Has vLLM count prompts by `POST /tokenize`, with what its template writes around them. */
export function createCountPrompt({ targets, serving, isUp, userAgent, clock }: CountPromptDeps): CountPrompt {
  return async ({ requestId, trace, route, request, model }) => {
    const body = questionOf(route.family, model, request.body);
    const index = serving(model, 'tokenize').find(isUp);
    const target = index === undefined ? undefined : targets[index];
    if (body === undefined || target === undefined) return undefined;
    const headers = upstreamHeaders(requestId, target.apiKey, false, 'application/json', trace);
    headers.push('user-agent', userAgent);
    const asked = askUpstream(target.upstream, {
      method: 'POST',
      path: '/tokenize',
      headers,
      body: JSON.stringify(body),
    });
    const late = new Promise<undefined>((resolve) => void clock.after(PATIENCE_MS, () => resolve(undefined)));
    const answer = await Promise.race([asked.catch(() => undefined), late]);
    return answer?.status === 200 ? countIn(parseAnswer(answer.text)) : undefined;
  };
}

/** Of the other families, and of prompts with media, `/tokenize` does not know what their template makes. */
function questionOf(family: string, model: string, body: JsonObject): JsonObject | undefined {
  const { messages, tools, prompt } = body;
  if (family === 'completions' && typeof prompt === 'string') return { model, prompt };
  if (family !== 'chat' || messages === undefined) return undefined;
  return { model, messages, ...(tools === undefined ? {} : { tools }) };
}

function countIn(answer: JsonValue | undefined): number | undefined {
  const count = isJsonObject(answer) ? answer['count'] : undefined;
  return typeof count === 'number' && Number.isSafeInteger(count) && count >= 0 ? count : undefined;
}
