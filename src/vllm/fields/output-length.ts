import type { JsonObject } from '../../kernel/json.ts';
import type { OutputLength } from '../../kernel/exchange.ts';
import { outOfRange } from './refusal.ts';
import type { BodyKind, FieldContext } from './field.ts';
import { promptBytesOf } from './prompt-bytes.ts';
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

/**
 * Bytes of text for each token of a prompt: more than any text has in the long run. An estimate that is too low costs
 * old releases one more try (newer ones lower the length by themselves); one that is too high would cut the answer.
 */
const BYTES_A_TOKEN = 8;

/** What the output length is settled by. */
export interface OutputRules {
  readonly context: FieldContext;
  readonly overCap: 'lower' | 'deny';
  /** Of the body as it came: its prompt is no longer. */
  readonly bodyBytes: number;
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
  const wanted = sent[name];
  const most = mostOf(kind, sent, typeof wanted === 'number' ? wanted : Infinity, rules);
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
function mostOf(kind: BodyKind, sent: JsonObject, wanted: number, { context, bodyBytes, facts }: OutputRules): number {
  const { outputTokens } = context.caps;
  if (facts.contextTokens === undefined) return outputTokens;
  // Mostly the context has room enough, and then the prompt is not even looked at.
  if (facts.contextTokens - tokensOf(bodyBytes) >= Math.min(outputTokens, wanted)) return outputTokens;
  const prompt = tokensOf(promptBytesOf(kind, sent));
  return Math.max(1, Math.min(outputTokens, facts.contextTokens - prompt));
}

const tokensOf = (bytes: number): number => Math.ceil(bytes / BYTES_A_TOKEN);
