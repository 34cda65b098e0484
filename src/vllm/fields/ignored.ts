import type { DropRow } from './field.ts';

/** Fields of other APIs that vLLM ignores: accepted, so that stock SDKs work, and not sent on. */
const ignoredOf = (whose: string): DropRow => ({ policy: 'drop', why: `A field of ${whose} that vLLM ignores.` });

/** A field of OpenAI's API that means nothing to vLLM. */
export const IGNORED_OF_OPENAI: DropRow = ignoredOf("OpenAI's API");
/** The same of Anthropic's API. */
export const IGNORED_OF_ANTHROPIC: DropRow = ignoredOf("Anthropic's API");
/** The same of several APIs. */
export const IGNORED_OF_OTHERS: DropRow = ignoredOf('other APIs');
