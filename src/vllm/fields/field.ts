import type { JsonValue } from '../../kernel/json.ts';
import type { Check } from './check.ts';

/** A kind of request body. */
export type BodyKind = 'chat' | 'completions' | 'embeddings';

/** Bodies that ask for generated text. */
export const GENERATE = ['chat', 'completions'] as const;
/** Bodies with messages. */
export const CHAT = ['chat'] as const;
/** Bodies of text completion. */
export const COMPLETIONS = ['completions'] as const;
/** Bodies of embeddings. */
export const EMBEDDINGS = ['embeddings'] as const;
/** All bodies. */
export const ALL = ['chat', 'completions', 'embeddings'] as const;

/** Most of each thing that a request may hold; `validation.caps`. */
export interface Caps {
  readonly n: number;
  readonly stop: number;
  readonly messages: number;
  readonly promptList: number;
  readonly inputList: number;
  /** Bytes of UTF-8. */
  readonly textBytes: number;
}

/** What the operator has chosen about fields. */
export interface FieldSettings {
  readonly caps: Caps;
  /** What happens to a field that no release knows. */
  readonly unknownFields: 'deny' | 'drop';
}

/** A field that is sent on when its value is good. */
export interface PassRow {
  readonly on: readonly BodyKind[];
  readonly policy: 'pass';
  /** Makes the check of its value. */
  readonly type: (settings: FieldSettings) => Check;
  /** Must be there, and not null. */
  readonly isRequired?: true;
}

/** A field that is accepted with any value and never sent on: vLLM would ignore it. */
export interface DropRow {
  readonly on: readonly BodyKind[];
  readonly policy: 'drop';
  readonly why: string;
}

/** A field that is closed: refused unless its value is null or vLLM's own default, which is then not sent on. */
export interface DenyRow {
  readonly on: readonly BodyKind[];
  readonly policy: 'deny';
  /** vLLM's default where it has one besides null. */
  readonly vllmDefault?: JsonValue;
  /** Which attack or harm the field serves. */
  readonly why: string;
  /** What to use in its place, for the refusal's message. */
  readonly instead?: string;
}

/** One field of a request body. */
export type FieldRow = PassRow | DropRow | DenyRow;

/** Fields by name. A name may have several rows, in several families, for different bodies. */
export type FieldFamily = Readonly<Record<string, FieldRow>>;
