import type { HeldResponse, InferenceRequest, RemoteMedia } from '../../kernel/exchange.ts';
import type { JsonObject } from '../../kernel/json.ts';
import type { Caps } from './caps.ts';
import { settleBatch } from './batch.ts';
import { settleCohere } from './cohere.ts';
import { MAX_PIXELS_IN_ALL } from '../media/image.ts';
import { Refusal, outOfRange } from './refusal.ts';
import type { BodyKind, FieldContext, FieldRow } from './field.ts';
import { fieldFamilies, storedFamilies } from './index.ts';
import { modelName } from './model-name.ts';
import { objectOf } from './object.ts';
import { settleOutput, type ModelFacts } from './output-length.ts';
import { settleScore } from './score.ts';
import { settleChat } from './settle-chat.ts';
import { settleMessages } from './settle-messages.ts';
import { settleResponses } from './settle-responses.ts';
import { settleStream } from './settle-stream.ts';
import { MARKUP_GROWTH, markupBytesOf, textBytesOf } from './text-bytes.ts';
import { takeUnfetched } from './unfetched.ts';
import { settleTokenize, tokenizeCaps } from './tokenize.ts';

/** What the operator has chosen about bodies. */
export interface BodySettings {
  /** What happens to a field that no release knows. */
  readonly unknownFields: 'deny' | 'drop';
  /** What happens to an output length above its cap. */
  readonly overCap: 'lower' | 'deny';
  /** Where adapters may be loaded from; left out, from nowhere. */
  readonly loraPaths?: readonly string[];
  /** Whether upstream may be asked to hold responses; left out, it may not. */
  readonly storedResponses?: boolean;
  /** Names that callers may use in place of those that vLLM serves; left out, none. */
  readonly aliases?: ReadonlyMap<string, string>;
  /** Where the gateway fetches media from; left out, from nowhere. */
  readonly remoteMedia?: { readonly hosts: readonly string[] };
}

/** What a body's checks need to know of who sent it. The same for all requests of a caller. */
export interface BodyCaller {
  readonly caps: Caps;
  readonly grants: ReadonlySet<string>;
  /** What keeps the tenant's prefix cache apart. */
  readonly cacheSalt: string;
  /** A value of the caller's that upstream only sees bound to the tenant. */
  readonly bind: (value: string) => string;
  /** The response that an id leads to; undefined where it is none of this caller's. */
  readonly openResponse: (id: string) => HeldResponse | undefined;
}

/**
 * Checks a parsed body and builds the one that is sent: from checked values only.
 *
 * @param bodyBytes length of the body as it came, which bounds the text in it
 * @param finish what texts go through last, and may grow by
 */
export type BodyCheck = (
  body: JsonObject,
  bodyBytes: number,
  caller: BodyCaller,
  factsOf?: (model: string) => ModelFacts,
  finish?: FinishTexts,
) => InferenceRequest | Refusal;

/** Puts the texts of a built body into the form that is sent, in place; gives the body, or why it is refused. */
export type FinishTexts = (model: string, sent: JsonObject) => JsonObject | Refusal;

const NO_FACTS: ModelFacts = { contextTokens: undefined, knowsSalt: true };

/** What the members of some bodies mean together. */
const settles: { readonly [kind in BodyKind]?: (sent: JsonObject, context: FieldContext) => Refusal | undefined } = {
  chat: settleChat,
  messages: settleMessages,
  'count-tokens': settleMessages,
  responses: settleResponses,
  'chat-batch': settleBatch,
  'cohere-embed': settleCohere,
  score: settleScore,
  tokenize: settleTokenize,
};

/** Makes the check for one kind of body; once, at start. */
export function createBodyCheck(kind: BodyKind, settings: BodySettings): BodyCheck {
  const { unknownFields, overCap, loraPaths = [], remoteMedia, aliases } = settings;
  const rows = rowsOf(kind, settings);
  const checkMembers = objectOf(
    // An adapter that is loaded is granted by the name that it gets; no body names two models.
    kind === 'load-lora'
      ? Object.fromEntries(rows)
      : { model: { policy: 'pass', type: modelName }, ...Object.fromEntries(rows) },
    'Give an object.',
  );
  const isSalted = rows.get('cache_salt')?.policy === 'overwrite';
  const settle = settles[kind];
  const nameField = kind === 'load-lora' ? 'lora_name' : 'model';
  const firstRequired = [...rows].find(([, row]) => row.policy === 'pass' && row.isRequired === true)?.[0];

  return (body, bodyBytes, caller, factsOf, finish) => {
    const caps = kind === 'tokenize' ? tokenizeCaps(caller.caps) : caller.caps;
    const context: FieldContext = {
      caps,
      unknownFields,
      grants: caller.grants,
      bind: caller.bind,
      adjusted: [],
      loraPaths,
      mediaHosts: remoteMedia?.hosts ?? [],
      media: { images: 0, audios: 0, videos: 0, bytes: 0, pixels: 0, remote: new Map() },
      freeForms: [],
      openResponse: caller.openResponse,
      held: undefined,
    };
    const sent = checkMembers(body, context) as JsonObject | Refusal;
    if (sent instanceof Refusal) return sent;
    const isTooLong = (growth: number): boolean =>
      bodyBytes * growth > caps.textBytes && promptBytesOf(sent, context) > caps.textBytes;
    const tooLong = outOfRange(`Send at most ${caps.textBytes} bytes of text.`, firstRequired);
    if (isTooLong(MARKUP_GROWTH)) return tooLong;
    const refusal = settle?.(sent, context);
    if (refusal !== undefined) return refusal;
    const wantsUsage = settleStream(kind, sent);
    if (wantsUsage instanceof Refusal) return wantsUsage;
    const named = sent[nameField];
    // Last, so that a body's own mistakes are told first. vLLM would answer with its default model instead.
    if (typeof named !== 'string' || named === '') {
      return new Refusal('model_not_allowed', nameField, 'Name a model. See GET /v1/models.');
    }
    // An adapter is loaded under a name of its own. From here on everything, the grant too, is about the served name.
    const model = kind === 'load-lora' ? named : (aliases?.get(named) ?? named);
    if (model !== named) sent[nameField] = model;
    const facts = factsOf?.(model) ?? NO_FACTS;
    const output = settleOutput(kind, sent, { context, overCap, bodyBytes, facts });
    if (output instanceof Refusal) return output;
    const finished = finish?.(model, sent);
    if (finished instanceof Refusal) return finished;
    // A broken spelling is longer by a space at least, and there may be one in every two characters.
    if (finished !== undefined && isTooLong(FINISH_GROWTH)) return tooLong;
    if (isSalted && facts.knowsSalt) sent['cache_salt'] = caller.cacheSalt;
    const { adjusted, held, media } = context;
    const isStream = sent['stream'] === true;
    const request: InferenceRequest = { model, body: sent, isStream, wantsUsage, adjusted, output };
    if (held === undefined && media.remote.size === 0 && model === named) return request;
    return {
      ...request,
      ...(model === named ? {} : { alias: named }),
      ...(held === undefined ? {} : { held }),
      ...(media.remote.size === 0 ? {} : { remoteMedia: remoteMediaOf(sent, media, caps) }),
    };
  };
}

/** What is missing in a body, which gets a mark of nothing in its place. @param media what came with it */
function remoteMediaOf(sent: JsonObject, media: FieldContext['media'], { mediaBytes: capBytes }: Caps): RemoteMedia {
  const { bytes, pixels } = media;
  return { media: takeUnfetched(sent), maxBytes: capBytes - bytes, maxPixels: MAX_PIXELS_IN_ALL - pixels, capBytes };
}

/** Bytes of text that a body can put into a prompt. */
function promptBytesOf(sent: JsonObject, { freeForms, media }: FieldContext): number {
  let bytes = textBytesOf(sent) - media.bytes * BASE64;
  for (const value of freeForms) bytes += markupBytesOf(value);
  return bytes;
}

/** Most that texts grow by when they are finished; an operator's spelling may have spaces, and is broken by one more. */
const FINISH_GROWTH = 8 * MARKUP_GROWTH;

/** Characters of a medium for each of its bytes. */
const BASE64 = 4 / 3;

/** Rows of one kind of body, by name. */
export function rowsOf(
  kind: BodyKind,
  { storedResponses = false }: Pick<BodySettings, 'storedResponses'> = {},
): ReadonlyMap<string, FieldRow> {
  const rows = new Map<string, FieldRow>();
  for (const family of storedResponses ? [...fieldFamilies, ...storedFamilies] : fieldFamilies) {
    for (const [name, row] of Object.entries(family)) if (row.on.includes(kind)) rows.set(name, row);
  }
  return rows;
}
