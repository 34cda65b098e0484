import type { HeldResponse, RouteFamily } from '../../kernel/exchange.ts';
import { isJsonObject, type JsonArray, type JsonValue } from '../../kernel/json.ts';
import { deny, type Denial } from '../../kernel/reasons.ts';
import type { Upstream, UpstreamCall, UpstreamFault, UpstreamListener } from '../../kernel/transport.ts';
import { parseAnswer } from '../../vllm/answers/parse-answer.ts';
import { GuardedListener, type Failed } from '../guard.ts';
import { denialOfHeld } from './refusal.ts';

/** Judges what a model has said, before it becomes part of a prompt. */
export type JudgeOutput = (model: string, output: JsonArray) => Denial | undefined;

/** What the check works with. */
export interface HeldCheck {
  readonly upstream: Upstream;
  readonly held: HeldResponse;
  readonly family: RouteFamily;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  readonly judge: JudgeOutput;
  /** Sets memory aside for bytes of the response; false where there is none left. */
  readonly hold: (bytes: number) => boolean;
  /** Told of what was thrown while the response was judged, in place of a verdict. */
  readonly failed: Failed;
}

/** How the check went. */
export type HeldVerdict =
  | { readonly kind: 'good' }
  | { readonly kind: 'denial'; readonly denial: Denial }
  | { readonly kind: 'fault'; readonly fault: UpstreamFault };

/** Answers come and go within moments. */
const NO_ROOM_RETRY_MS = 1000;
/**
 * Of a response that is continued. It echoes the caller's instructions: a request of a few bytes would have megabytes
 * read and judged each time.
 */
const MAX_BYTES = 4 * 1024 * 1024;
/** Of what was cancelled or failed vLLM may remember more than it shows. */
const ENDED: ReadonlySet<JsonValue> = new Set(['completed', 'incomplete']);

/**
 * Reads the response that is to be continued and judges its output. A caller who sends a conversation as input sends
 * what the model said through the checks of texts; one that vLLM remembers must not be a way around them, for a model
 * can be made to spell whatever its caller wants. One that still runs could say it after it was looked at.
 */
export function checkHeld(check: HeldCheck, done: (verdict: HeldVerdict) => void): UpstreamCall {
  const { upstream, held, family, headers, judge, hold, failed } = check;
  const parts: Buffer[] = [];
  let status = 0;
  let size = 0;
  let isDone = false;
  const end = (verdict: HeldVerdict): void => {
    if (isDone) return;
    isDone = true;
    done(verdict);
  };
  const refuse = (denial: Denial): void => end({ kind: 'denial', denial });

  const listener: UpstreamListener = {
    head: (head) => void (status = head.status),
    chunk(bytes) {
      if (isDone) return true;
      size += bytes.length;
      if (size > MAX_BYTES) refuse(TOO_LARGE);
      else if (hold(bytes.length)) parts.push(Buffer.from(bytes)); // the adapter's are only valid during the call
      else refuse(deny('overloaded', { retryAfterMs: NO_ROOM_RETRY_MS }));
      return true;
    },
    end() {
      const text = Buffer.concat(parts).toString();
      if (status !== 200) return refuse(denialOfHeld(status, text, family));
      const denial = judged(text, held, judge);
      if (denial === undefined) end({ kind: 'good' });
      else refuse(denial);
    },
    fault: (fault) => end({ kind: 'fault', fault }),
  };
  return upstream.send(
    { method: 'GET', path: `/v1/responses/${held.id}`, headers, body: undefined },
    new GuardedListener(listener, failed),
  );
}

function judged(text: string, { id, model }: HeldResponse, judge: JudgeOutput): Denial | undefined {
  const response = parseAnswer(text);
  if (!isJsonObject(response) || response['id'] !== id) return deny('upstream_error');
  const { status, output } = response;
  if (status === undefined || !Array.isArray(output)) return deny('upstream_error');
  if (!ENDED.has(status)) return deny('invalid_field', { param: PARAM, message: NOT_ENDED });
  return judge(model, output);
}

const PARAM = 'previous_response_id';
const TOO_LARGE = deny('value_out_of_range', {
  param: PARAM,
  message: `This response is larger than ${MAX_BYTES} bytes. Send the conversation as input instead.`,
});
const NOT_ENDED = 'Only a response that is completed or incomplete can be continued. Read it until it is.';
