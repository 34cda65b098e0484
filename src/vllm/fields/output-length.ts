import type { JsonObject } from '../../kernel/json.ts';
import type { OutputLength } from '../../kernel/exchange.ts';
import { outOfRange } from './refusal.ts';
import type { BodyKind, FieldContext } from './field.ts';
import type { Refusal } from './refusal.ts';

/** What is known of a model before its request is sent. */
export interface ModelFacts {
  /** Tokens of prompt and answer together; undefined where no upstream has said. */
  readonly contextTokens: number | undefined;
  /** All its upstreams know `cache_salt`, or may. */
  readonly knowsSalt: boolean;
}

/** Names of the output length, the one that vLLM obeys first. Left out, `isOpen` bodies run to the end of the context. */
const OUTPUT: { readonly [kind in BodyKind]?: { readonly names: readonly string[]; readonly isOpen: boolean } } = {
  chat: { names: ['max_completion_tokens', 'max_tokens'], isOpen: true },
  'chat-batch': { names: ['max_completion_tokens', 'max_tokens'], isOpen: true },
  completions: { names: ['max_tokens'], isOpen: false },
  responses: { names: ['max_output_tokens'], isOpen: true },
  messages: { names: ['max_tokens'], isOpen: false },
  // Recordings are cut into pieces, each of which ends with the context of a small model.
  transcription: { names: ['max_completion_tokens'], isOpen: false },
};

/** Fewest bytes of text that make a token of a prompt, as a rule: what an estimate divides by. */
const BYTES_A_TOKEN = 4;
/** Characters of base64 for each byte. */
const BASE64 = 4 / 3;

/** What the output length is settled by. */
export interface OutputRules {
  readonly context: FieldContext;
  readonly overCap: 'lower' | 'deny';
  /** Bytes of the body, or of the part of it that has the context for itself. */
  readonly promptBytes: number;
  readonly facts: ModelFacts;
}

/**
 * Bounds the output length. Of two names the one that vLLM obeys goes on alone; a length above the cap or the context is
 * lowered and said so; one that was left out is put in, where vLLM would else write to the end of its context.
 */
export function settleOutput(kind: BodyKind, sent: JsonObject, rules: OutputRules): OutputLength | Refusal | undefined {
  const output = OUTPUT[kind];
  if (output === undefined) return undefined;
  const name = output.names.find((candidate) => sent[candidate] !== undefined) ?? output.names.at(-1) ?? '';
  for (const other of output.names) if (other !== name) delete sent[other];
  const most = mostOf(rules);
  const wanted = sent[name];
  if (typeof wanted !== 'number') {
    if (!output.isOpen || most === Infinity) return undefined;
    sent[name] = most;
    return { name, isOurs: true };
  }
  if (wanted <= most) return { name, isOurs: false };
  if (rules.overCap === 'deny') return outOfRange(`Give at most ${most}.`, name);
  sent[name] = most;
  rules.context.adjusted.push(`${name}=${most}`);
  return { name, isOurs: true };
}

/** The cap, and within the context what the prompt is likely to leave of it. */
function mostOf({ context, promptBytes, facts }: OutputRules): number {
  const { outputTokens } = context.caps;
  if (facts.contextTokens === undefined) return outputTokens;
  // Media stand in the body as base64, and cost tokens by their size in pixels, not in bytes.
  const text = promptBytes - context.media.bytes * BASE64;
  const prompt = Math.max(0, Math.ceil(text / BYTES_A_TOKEN));
  return Math.max(1, Math.min(outputTokens, facts.contextTokens - prompt));
}
