import type { ContentPart } from '../kernel/content.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../kernel/json.ts';

/** What a record says of a text. */
export interface TextFacts {
  readonly hash: string | undefined;
  /** Of all of it, as long as it was. */
  readonly bytes: number;
}

/** What the record of a request says of its content. */
export interface ContentFacts extends Readonly<Record<ContentPart, TextFacts>> {
  readonly request: string;
  readonly tenant: string;
  /** Milliseconds since the epoch. */
  readonly timeMs: number;
  /** `full`, `hash`, `dropped`, `erased`. */
  readonly content: string;
}

/** Reads a line of the log; undefined where it says nothing of content. */
export function contentFactsOf(line: string): ContentFacts | undefined {
  const event = JSON.parse(line) as JsonValue;
  if (!isJsonObject(event)) return undefined;
  const { metadata, unmapped, time } = event;
  const request = isJsonObject(metadata) ? metadata['uid'] : undefined;
  if (!isJsonObject(unmapped) || typeof request !== 'string' || typeof time !== 'number') return undefined;
  const { tenant, content } = unmapped;
  if (typeof content !== 'string') return undefined;
  return {
    request,
    tenant: typeof tenant === 'string' ? tenant : '',
    timeMs: time,
    content,
    prompt: textOf(unmapped, 'prompt'),
    completion: textOf(unmapped, 'completion'),
  };
}

function textOf(unmapped: JsonObject, part: ContentPart): TextFacts {
  const [hash, bytes] = [unmapped[`${part}_hash`], unmapped[`${part}_bytes`]];
  return { hash: typeof hash === 'string' ? hash : undefined, bytes: typeof bytes === 'number' ? bytes : 0 };
}
