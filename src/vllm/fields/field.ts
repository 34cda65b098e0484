import type { HeldResponse, MediaUrl, RouteFamily } from '../../kernel/exchange.ts';
import type { JsonValue } from '../../kernel/json.ts';
import type { Caps } from './caps.ts';
import type { Refusal } from './refusal.ts';

/** A kind of request body. */
export type BodyKind = Exclude<RouteFamily, 'models' | 'stored-response' | 'realtime'>;

/** Every kind. */
export const BODY_KINDS = [
  'chat',
  'chat-batch',
  'completions',
  'responses',
  'messages',
  'count-tokens',
  'embeddings',
  'cohere-embed',
  'score',
  'rerank',
  'classify',
  'pooling',
  'tokenize',
  'detokenize',
  'transcription',
  'load-lora',
] as const satisfies readonly BodyKind[];

/** Bodies of OpenAI's chat format. */
export const CHAT = ['chat', 'chat-batch'] as const;
/** Bodies that ask for generated text in OpenAI's first two formats. */
export const GENERATE = ['chat', 'chat-batch', 'completions'] as const;
/** Bodies of text completion. */
export const COMPLETIONS = ['completions'] as const;
/** Bodies that pooling models answer, besides Cohere's. */
export const POOLING = ['embeddings', 'classify', 'pooling'] as const;
/** Bodies that compare a text with others. */
export const SCORE = ['score', 'rerank'] as const;

/** What a check may know of the request and its caller besides the value. One for each request. */
export interface FieldContext {
  /** The caller's caps: the configured ones, as its tenant or key raises or lowers them. */
  readonly caps: Caps;
  /** What happens to a field that no release knows. */
  readonly unknownFields: 'deny' | 'drop';
  /** Closed fields that the caller may use, by the name of their grant: `fields:beam-search`. */
  readonly grants: ReadonlySet<string>;
  /** A value of the caller's that upstream only sees bound to the caller's tenant. */
  readonly bind: (value: string) => string;
  /** What was changed of the caller's wishes, for the response header: `tools=dropped`. */
  readonly adjusted: string[];
  /** Where adapters may be loaded from: absolute paths with all below them, and names of a hub. */
  readonly loraPaths: readonly string[];
  /** Hosts that the gateway fetches media from, as `parseMediaUrl` takes them. */
  readonly mediaHosts: readonly string[];
  /** What media the request has held so far. */
  readonly media: {
    images: number;
    audios: number;
    videos: number;
    bytes: number;
    /** Of all images together, once unpacked. */
    pixels: number;
    /** Those that are still to be fetched, by their canonical URLs; what they take of the bytes is not known yet. */
    readonly remote: Map<string, MediaUrl>;
  };
  /** Values whose members the caller names, of which the prompt gets all: see `freeForm`. */
  readonly freeForms: JsonValue[];
  /** The response that an id of the caller's leads to; undefined where it is none of this caller's. */
  readonly openResponse: (id: string) => HeldResponse | undefined;
  /** The response that the request continues, once its field was read. */
  held: HeldResponse | undefined;
}

/** Judges one value: gives what is sent in its place (mostly itself), undefined to send nothing, or why it is refused. */
export interface Check {
  (value: JsonValue, context: FieldContext): JsonValue | Refusal | undefined;
  /** The rows of an object's members, for who compares them with vLLM's schemas. */
  readonly rows?: Members;
  /** As `rows`, of an object that has several forms. */
  readonly forms?: readonly Members[];
  /** What each item of a list is judged by. */
  readonly item?: Check;
}

/** A field that is sent on when its value is good. */
export interface PassRow {
  readonly policy: 'pass';
  /** What its value has to be. */
  readonly type: Check;
  /** Must be there, and not null. */
  readonly isRequired?: true;
}

/** A field that is accepted with any value and never sent on: vLLM would ignore it. */
export interface DropRow {
  readonly policy: 'drop';
  readonly why: string;
}

/** A field whose value the gateway sets itself, whatever the caller has sent. */
export interface OverwriteRow {
  readonly policy: 'overwrite';
  readonly why: string;
}

/** A field that is closed: refused unless its value is null or vLLM's own default, which is then not sent on. */
export interface DenyRow {
  readonly policy: 'deny';
  /** vLLM's default where it has one besides null. */
  readonly vllmDefault?: JsonValue;
  /** Which attack or harm the field serves. */
  readonly why: string;
  /** What to use in its place, for the refusal's message. */
  readonly instead?: string;
  /** Opens it to who has this grant, with `type` as the check of its value. */
  readonly grant?: Grant;
  readonly type?: Check;
}

/** Names of what a tenant or key can be granted besides scopes and models. */
export const GRANTS = [
  'fields:beam-search',
  'fields:benchmark',
  'fields:media-audio',
  'fields:prefill',
  'fields:structured-output',
  'fields:token-ids',
] as const;
/** Name of one of them. */
export type Grant = (typeof GRANTS)[number];

/** What happens to a member of an object. */
export type MemberRow = PassRow | DropRow | OverwriteRow | DenyRow;

/** Members of an object by name. */
export type Members = Readonly<Record<string, MemberRow>>;

/** One field of a request body. */
export type FieldRow = MemberRow & { readonly on: readonly BodyKind[] };

/** Fields by name. A name may have several rows, in several families, for different bodies. */
export type FieldFamily = Readonly<Record<string, FieldRow>>;
