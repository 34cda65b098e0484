import { textOfChat } from './chat.ts';
import { isLaxObject, parseLaxJson } from './lax-json.ts';
import { parsePrompts } from './prompts.ts';
import { wordsOf } from './words.ts';

/** The prompt of a generating request, for the engine: a word is a token. Undefined where there is none. */
export function promptOf(body: Buffer): { readonly tokens: readonly string[]; readonly salt: string } | undefined {
  const parsed = body.length === 0 ? undefined : parseLaxJson(body);
  if (parsed?.kind !== 'value' || !isLaxObject(parsed.value)) return undefined;
  const { messages, prompt, input, cache_salt: salt } = parsed.value;
  const texts = Array.isArray(messages) ? [textOfChat(messages)] : parsePrompts(prompt ?? input);
  if (texts === undefined) return undefined;
  return { tokens: texts.flatMap((text) => wordsOf(text)), salt: typeof salt === 'string' ? salt : '' };
}
