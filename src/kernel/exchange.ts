import type { OwnLimits } from './own-limits.ts';
import type { Scope } from './scope.ts';
import type { Downstream, Handshake } from './transport.ts';
import type { ContentTap } from './content.ts';
import type { JsonObject } from './json.ts';
import type { TraceContext } from './trace.ts';

/** Which family of bodies a refusal takes. `responses` differs from `openai` in streams only. */
export type Surface = 'openai' | 'responses' | 'anthropic' | 'oauth';

/** A request's head after it was judged: one path spelling, no doubtful framing. */
export interface ParsedHead {
  readonly method: string;
  /** Path without query, in its one accepted spelling. */
  readonly path: string;
  /** Names in lower case. Of the headers that decide something, duplicates were refused. */
  readonly headers: ReadonlyMap<string, string>;
  readonly hasBody: boolean;
  /** Asks to switch protocols (RFC 9110 §7.8). */
  readonly isUpgrade: boolean;
}

/** Who is at the other end of the connection. */
export interface Peer {
  /** Client address: the TCP peer, or what a trusted proxy says. IPv4-mapped IPv6 is written as IPv4. */
  readonly address: string;
  /** What is counted per address: the IPv4 address, or the /64 of an IPv6 address. */
  readonly network: string;
}

/** What an access token says of itself; nothing of it is the token, or could be used as it. */
export interface TokenFacts {
  /** `iss`. */
  readonly issuer: string;
  /** `sub`. */
  readonly subject: string;
  /** `client_id`, or `azp` where there is none. */
  readonly clientId: string | undefined;
  /** Names the token in records: 22 characters of base64url. */
  readonly tokenHash: string;
  /** Milliseconds since the epoch. */
  readonly issuedAtMs: number | undefined;
  readonly expiresAtMs: number;
  /** Which key the caller has to show besides. */
  readonly binding: 'none' | 'dpop' | 'mtls';
  /** Strength and time of the sign-in (RFC 9470 §6). */
  readonly acr: string | undefined;
  readonly amr: readonly string[];
  readonly authenticatedAtMs: number | undefined;
  /** The consent and the sign-in session that it comes from, where the issuer tells. */
  readonly grantId: string | undefined;
  readonly sessionId: string | undefined;
}

/** Limits that several callers use up together. */
export interface Pool {
  /** How refusals name it: `tenant`, `group.staff`. */
  readonly name: string;
  /** What is counted. */
  readonly subject: string;
  readonly limits: OwnLimits;
}

/** The authenticated caller. Immutable and shared by its requests. */
export interface Principal {
  /** `key:` and the public id of the API key, or `token:` with issuer and subject of an access token. */
  readonly id: string;
  /** Public id of the API key; undefined where it came with an access token. */
  readonly keyId: string | undefined;
  /** The access token; undefined where it came with an API key. */
  readonly token: TokenFacts | undefined;
  /** Names by which it can be revoked: `key:Ab12Cd`, or those of its token, client, subject, grant and session. */
  readonly marks: readonly string[];
  readonly tenant: string;
  /** Id of the person that the API key belongs to; undefined where it belongs to nobody, and for tokens. */
  readonly owner: string | undefined;
  /** Names of the roles and groups that it has and that exist. */
  readonly roles: readonly string[];
  readonly groups: readonly string[];
  readonly scopes: ReadonlySet<Scope>;
  /** Granted model names; `*` grants every name. */
  readonly models: ReadonlySet<string>;
  /** Its own, those of its groups and roles, or its tenant's; undefined: the configured default. */
  readonly limits: OwnLimits;
  /** Limits that it shares with others. */
  readonly pools: readonly Pool[];
  /** Closed things that are open to it: `fields:beam-search`. */
  readonly grants: ReadonlySet<string>;
  /** Numbers that raise or lower the configured caps, by their names: `n`. */
  readonly caps: Readonly<Record<string, number>>;
  /** Header in which it names the person that it asks for; undefined where it asks for itself. */
  readonly onBehalfOf: string | undefined;
  /** That person, as named: kept apart from others in limits, caches, stored responses and records; never a right. */
  readonly member: string | undefined;
}

/** How a caller stands with one limit; for the response headers and the log. */
export interface LimitStanding {
  /** Name of the policy: `requests`, `concurrency`. */
  readonly name: string;
  readonly limit: number;
  readonly remaining: number;
  /** Units of tokens and money that were used, without those that are only set aside. */
  readonly used?: number;
  /** Units of them that are set aside for running requests. */
  readonly setAside?: number;
  /** Seconds of the window; 0 where there is none. */
  readonly windowS: number;
  /** Milliseconds until the whole limit is available again. */
  readonly resetMs: number;
}

/** What a spend took. The one who spent ends it through `Counters.settle`. */
export interface Spent {
  readonly kind: 'spent';
  readonly standings: readonly LimitStanding[];
  /** What is held until then: the counters' own, that nobody else reads. */
  readonly holds: readonly object[];
}

/** Family of the request and response shapes of a route. */
export type RouteFamily =
  | 'chat'
  | 'chat-batch'
  | 'completions'
  | 'responses'
  | 'stored-response'
  | 'messages'
  | 'count-tokens'
  | 'embeddings'
  | 'cohere-embed'
  | 'score'
  | 'rerank'
  | 'classify'
  | 'pooling'
  | 'tokenize'
  | 'detokenize'
  | 'transcription'
  | 'realtime'
  | 'load-lora'
  | 'models';

/** The open route that a request asked for. */
export interface OpenRoute {
  readonly id: string;
  readonly family: RouteFamily;
  readonly method: 'GET' | 'POST';
  /** As the catalogue has it: with `{response_id}` where upstream's own id has its place. */
  readonly path: string;
  readonly scope: Scope;
}

/** The field that bounds the answer of a body. */
export interface OutputLength {
  readonly name: string;
  /** The gateway has put in or lowered its value, so it may lower it further where upstream has less room. */
  readonly isOurs: boolean;
}

/** The parts of a URL that media may be fetched from; always `https`. */
export interface MediaUrl {
  /** In lower case, no address. */
  readonly host: string;
  readonly port: number;
  /** Path and query. */
  readonly path: string;
  /** The URL written anew from these parts. */
  readonly canonical: string;
}

/** Where a medium stands in a body. */
export interface MediaPlace {
  /** Names of members and indexes of items, from the body on. */
  readonly steps: readonly (string | number)[];
  /** JSON path of the field that the caller wrote it in, for refusals. */
  readonly path: string;
}

/** A medium that the caller has named by its URL. */
export interface RemoteMedium {
  readonly url: MediaUrl;
  /** At least one. Until it is fetched a `data:` URL without content stands there. */
  readonly places: readonly MediaPlace[];
}

/** What the gateway has to fetch before a request is whole. */
export interface RemoteMedia {
  /** At least one, each URL once. */
  readonly media: readonly RemoteMedium[];
  /** Bytes of media that the caller's caps leave for them, all places counted. */
  readonly maxBytes: number;
  /** Pixels of images that are left for them, all places counted. */
  readonly maxPixels: number;
  /** Bytes of media that the request may hold in all. */
  readonly capBytes: number;
}

/** A body that is no JSON, as it is sent. */
export interface Upload {
  readonly contentType: string;
  /** Taken by who sends it, so that its memory goes with the sending. */
  bytes: Buffer | undefined;
}

/** A response that an upstream holds, and that only who made it may read, continue and cancel. */
export interface HeldResponse {
  /** Name of the upstream: no other one knows the response. */
  readonly upstream: string;
  /** Upstream's own id of it, which is told to nobody. */
  readonly id: string;
  /** The model that it was made with. */
  readonly model: string;
}

/** A request body that was parsed and checked: it is sent as it stands here, once its remote media are in it. */
export interface InferenceRequest {
  /** As vLLM serves it. */
  readonly model: string;
  /** The alias by which the caller named it; answers show that. Left out where it used none. */
  readonly alias?: string;
  readonly body: JsonObject;
  readonly isStream: boolean;
  /** Whether the caller asked for the usage event of a stream. */
  readonly wantsUsage: boolean;
  /** What was changed of the caller's wishes, for `x-sallyport-adjusted`: `max_tokens=8192`. */
  readonly adjusted: readonly string[];
  /** Undefined where the body has no such field. */
  readonly output: OutputLength | undefined;
  /** Sent in place of `body`, whose members it holds. */
  readonly upload?: Upload;
  /** What is read, cancelled or continued: the request goes to the upstream that holds it and to no other. */
  readonly held?: HeldResponse;
  /** What is missing in `body`. */
  readonly remoteMedia?: RemoteMedia;
}

/** Tokens that the model counted; undefined until upstream has told. */
export interface Usage {
  promptTokens: number | undefined;
  /** Of them those that upstream had already: a lower price. */
  cachedTokens: number | undefined;
  completionTokens: number | undefined;
  /** Events of a stream that brought something of the answer since upstream told its tokens last: each holds one at least. */
  deltas: number;
  /** Tokens that those may hold besides, by the length of their text: a guess, which may be many times what they are. */
  guessed: number;
}

/** Nothing counted yet. */
export const newUsage = (): Usage => ({
  promptTokens: undefined,
  cachedTokens: undefined,
  completionTokens: undefined,
  deltas: 0,
  guessed: 0,
});

/** What was set aside for a request's tokens. */
export interface TokenLimits {
  readonly spent: Spent;
  /** The output length that the limits leave; undefined where the body's own fits, or has none. */
  readonly outputTokens: number | undefined;
}

/** A switch to WebSocket that may be made. */
export interface Upgrade {
  readonly handshake: Handshake;
  /** Holds one of the caller's sockets. */
  readonly socketLimit: Spent;
}

/** Every fact that a stage can add about an exchange. */
export interface Facts {
  head: ParsedHead;
  peer: Peer;
  principal: Principal;
  requestLimits: Spent;
  route: OpenRoute;
  upgrade: Upgrade;
  request: InferenceRequest;
  /** The body of the request with all its media in it, as upstream gets it. */
  sentBody: JsonObject;
  /** The name that was granted and that upstream is asked for. */
  model: string;
  usage: Usage;
  tokenLimits: TokenLimits;
}

/** Facts that are there. */
export type Has<K extends keyof Facts> = { readonly [P in K]: Facts[P] };
/** Facts that a stage fills. */
export type Slots<K extends keyof Facts> = { [P in K]: Facts[P] | undefined };

/** One request and its answer, as every stage sees it. */
export interface Exchange {
  /** Unguessable; sent as `x-request-id`. */
  readonly requestId: string;
  readonly startedAtMs: number;
  readonly downstream: Downstream;
  /** Nothing is spent, nothing is sent. */
  readonly isDryRun: boolean;
  /** Which form refusals take; known even where the head could not be read. */
  readonly surface: Surface;
  /** The listed origin that asks (Fetch standard, CORS protocol); undefined for all others. */
  readonly allowedOrigin: string | undefined;
  /** What its refusals tell about getting a credential; undefined where no issuer is trusted. */
  readonly offer: ChallengeOffer | undefined;
  /** Its place in a trace; undefined where none are made. */
  readonly trace: TraceContext | undefined;
  /** Whose credential was right, and refused for what became of it: for records and the log alone. */
  refused: Principal | undefined;
  /** Listens where something of what is said is recorded; mostly undefined. */
  readonly content: ContentTap | undefined;
}

/** What a caller without a good credential is told about getting one. */
export interface ChallengeOffer {
  /** URL of the protected resource metadata (RFC 9728 §5.1). */
  readonly resourceMetadata: string;
  /** Algorithms of DPoP proofs, with spaces between them (RFC 9449 §7.1); undefined where no token can be bound to a key. */
  readonly dpopAlgorithms: string | undefined;
}

/** An exchange with the slots of all facts from the start: filling one never changes its hidden class. */
export class AnyExchange implements Exchange, Slots<keyof Facts> {
  readonly requestId: string;
  readonly startedAtMs: number;
  readonly downstream: Downstream;
  readonly isDryRun: boolean;
  surface: Surface = 'openai';
  allowedOrigin: string | undefined = undefined;
  offer: ChallengeOffer | undefined = undefined;
  trace: TraceContext | undefined = undefined;
  refused: Principal | undefined = undefined;
  content: ContentTap | undefined = undefined;
  head: ParsedHead | undefined = undefined;
  peer: Peer | undefined = undefined;
  principal: Principal | undefined = undefined;
  requestLimits: Spent | undefined = undefined;
  route: OpenRoute | undefined = undefined;
  upgrade: Upgrade | undefined = undefined;
  request: InferenceRequest | undefined = undefined;
  model: string | undefined = undefined;
  sentBody: JsonObject | undefined = undefined;
  usage: Usage | undefined = undefined;
  tokenLimits: TokenLimits | undefined = undefined;

  constructor(requestId: string, startedAtMs: number, downstream: Downstream, isDryRun: boolean) {
    this.requestId = requestId;
    this.startedAtMs = startedAtMs;
    this.downstream = downstream;
    this.isDryRun = isDryRun;
  }
}
