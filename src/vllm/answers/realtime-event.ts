import { isUtf8 } from 'node:buffer';
import { isJsonObject, type JsonObject, type JsonValue } from '../../kernel/json.ts';
import { parseAnswer } from './parse-answer.ts';

/** What becomes of an event that upstream has sent on `/v1/realtime`. */
export type ServerEvent =
  /** Sent on as it was built here. */
  | { readonly kind: 'delta' | 'done'; readonly event: JsonObject }
  /** Upstream refuses something or failed at it; the words for it are ours. */
  | { readonly kind: 'error'; readonly isModelMissing: boolean }
  /** Kept from the caller: `session.created`, whose place ours has taken, and what no release known to us says. */
  | { readonly kind: 'drop' }
  /** None of vLLM's. */
  | { readonly kind: 'fault' };

/** Reads an event of upstream and builds anew what a caller gets of it: vLLM's own texts of errors go nowhere. */
export function readServerEvent(frame: Buffer): ServerEvent {
  const value = isUtf8(frame) ? parseAnswer(frame.toString('utf8')) : undefined;
  if (value === undefined || !isJsonObject(value)) return FAULT;
  const { type } = value;
  switch (type) {
    case 'transcription.delta':
      return typeof value['delta'] === 'string' ? { kind: 'delta', event: { type, delta: value['delta'] } } : FAULT;
    case 'transcription.done':
      return typeof value['text'] === 'string'
        ? { kind: 'done', event: { type, text: value['text'], usage: usageOf(value['usage']) } }
        : FAULT;
    case 'error':
      return { kind: 'error', isModelMissing: value['code'] === 'model_not_found' };
    default:
      return typeof type === 'string' ? DROP : FAULT;
  }
}

const FAULT: ServerEvent = { kind: 'fault' };
const DROP: ServerEvent = { kind: 'drop' };

/** Numbers of OpenAI's usage, by tokens or by duration; the details would tell what others have cached. */
const COUNTS = ['prompt_tokens', 'completion_tokens', 'input_tokens', 'output_tokens', 'total_tokens', 'seconds'];

function usageOf(value: JsonValue | undefined): JsonObject | null {
  if (value === undefined || !isJsonObject(value)) return null;
  const usage: JsonObject = {};
  const { type } = value;
  if (type === 'tokens' || type === 'duration') usage['type'] = type;
  for (const name of COUNTS) {
    const count = value[name];
    if (typeof count === 'number') usage[name] = count;
  }
  return usage;
}
