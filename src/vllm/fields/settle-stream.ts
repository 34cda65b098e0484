import { isJsonObject } from '../../kernel/json.ts';
import type { JsonObject } from '../../kernel/json.ts';
import { invalid, type Refusal } from './refusal.ts';
import type { BodyKind } from './field.ts';

/** Bodies whose streams carry usage only where it is asked for. The streams of all others end with it. */
const ASKS: ReadonlySet<BodyKind> = new Set(['chat', 'completions']);

/**
 * Puts the streaming fields into the form that is sent: usage is always asked for, so that tokens can be counted. Gives
 * whether the caller wants it too.
 */
export function settleStream(kind: BodyKind, sent: JsonObject): boolean | Refusal {
  if (kind === 'transcription') return settleTranscript(sent);
  if (!ASKS.has(kind)) return true;
  const options = sent['stream_options'];
  if (sent['stream'] !== true) {
    if (options === undefined) return false;
    return invalid('Leave it out, or set stream to true.', 'stream_options');
  }
  // In every event: a limit may end in the middle of the answer.
  sent['stream_options'] = { include_usage: true, continuous_usage_stats: true };
  return isJsonObject(options) && options['include_usage'] === true;
}

/** Forms have no objects: usage is asked for by a field of its own, which means nothing without a stream. */
function settleTranscript(sent: JsonObject): boolean {
  const wantsUsage = sent['stream_include_usage'] === true;
  delete sent['stream_include_usage'];
  if (sent['stream'] !== true) return false;
  sent['stream_include_usage'] = true;
  return wantsUsage;
}
