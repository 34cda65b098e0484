import { JsonSourceError, type JsonAsk, type JsonSource } from '../adapters/http-client/json-source.ts';
import { publicKeysOf } from '../jwt/key-set.ts';
import type { Clock, Timer } from '../kernel/clock.ts';
import { isLoopbackHost } from '../kernel/host.ts';
import type { JsonObject } from '../kernel/json.ts';

/** An issuer as its keys are had. */
export interface WatchedIssuer {
  readonly issuer: string;
  /** Undefined: found by discovery. */
  readonly jwksUri: string | undefined;
  readonly caPem: string | undefined;
  /** How often its keys are fetched anew, milliseconds. */
  readonly maxAgeMs: number;
  /** Its opaque tokens are asked about: where is found by discovery unless it is configured. */
  readonly introspection: { readonly endpoint?: string | undefined } | undefined;
}

/** What the threads know of an issuer: plain data, for it crosses to them. */
export interface IssuerState {
  readonly issuer: string;
  /** Its public keys, as `publicKeysOf` leaves them; undefined until they were fetched once. */
  readonly jwks: readonly JsonObject[] | undefined;
  /** Milliseconds since the epoch until which these keys count without news from the issuer. */
  readonly goodUntilMs: number;
  /** When it may be asked again for a key that is not among them. */
  readonly nextAskMs: number;
  /** Where opaque tokens are asked about; undefined where they are not, or that is not known yet. */
  readonly introspectionEndpoint: string | undefined;
  /** Why it could not be asked last; undefined where it could. */
  readonly why: string | undefined;
}

/** Watches the keys of the issuers. */
export interface IssuerWatch {
  states(): readonly IssuerState[];
  /** Asks an issuer unless it was asked just now; tells what came of it either way. Resolves when that is over; never throws. */
  refresh(issuer: string): Promise<void>;
  stop(): void;
}

/** What the watch works with. */
export interface IssuerWatchDeps {
  readonly get: JsonSource;
  readonly clock: Clock;
  readonly onNews: (states: readonly IssuerState[]) => void;
  readonly onProblem: (issuer: string, why: string) => void;
  readonly onRecovered: (issuer: string) => void;
}

/** How long keys count beyond their age while their issuer cannot be asked: an hour of its failure ends nothing. */
export const STALE_MS = 3_600_000;
/** Between two questions for keys that are not known. Doubles as long as they bring nothing new, so that made-up ones do not flood the issuer. */
const COOL_DOWN_MS = { first: 1_000, most: 60_000 };
/** Between two tries while an issuer cannot be asked. */
const RETRY_MS = { first: 1_000, most: 30_000 };

interface Watched {
  readonly source: WatchedIssuer;
  jwks: readonly JsonObject[] | undefined;
  fetchedAtMs: number;
  introspectionEndpoint: string | undefined;
  nextAskMs: number;
  coolDownMs: number;
  retryMs: number;
  why: string | undefined;
  running: Promise<void> | undefined;
  timer: Timer | undefined;
}

/**
 * Fetches the keys of each issuer now and whenever they have grown old, one question to each at a time.
 *
 * @param known what a watch before has found out
 */
export function watchIssuers(
  sources: readonly WatchedIssuer[],
  known: readonly IssuerState[],
  deps: IssuerWatchDeps,
): IssuerWatch {
  const { clock } = deps;
  let isStopped = false;
  const all: Watched[] = sources.map((source) => ({
    source,
    ...before(source),
    introspectionEndpoint: source.introspection?.endpoint,
    nextAskMs: 0,
    coolDownMs: COOL_DOWN_MS.first,
    retryMs: RETRY_MS.first,
    why: undefined,
    running: undefined,
    timer: undefined,
  }));

  function before({ issuer, maxAgeMs }: WatchedIssuer): Pick<Watched, 'jwks' | 'fetchedAtMs'> {
    const state = known.find((one) => one.issuer === issuer);
    return { jwks: state?.jwks, fetchedAtMs: (state?.goodUntilMs ?? 0) - maxAgeMs - STALE_MS };
  }

  const stateOf = ({ source, jwks, fetchedAtMs, nextAskMs, introspectionEndpoint, why }: Watched): IssuerState => ({
    issuer: source.issuer,
    jwks,
    goodUntilMs: fetchedAtMs + source.maxAgeMs + STALE_MS,
    nextAskMs,
    introspectionEndpoint,
    why,
  });
  const tell = (): void => deps.onNews(all.map(stateOf));

  function fetchOf(one: Watched, isAsked: boolean): Promise<void> {
    one.running ??= fetchKeys(one, isAsked).finally(() => (one.running = undefined));
    return one.running;
  }

  async function fetchKeys(one: Watched, isAsked: boolean): Promise<void> {
    one.timer?.cancel();
    const { source } = one;
    try {
      const places = await placesOf(source, deps.get);
      one.introspectionEndpoint = places.introspectionEndpoint;
      const set = await deps.get(places.keys);
      const jwks = publicKeysOf(set);
      if (jwks.length === 0) {
        // A set without keys is its issuer's word as well: it has taken them back, and what they signed ends.
        if (Array.isArray(set['keys'])) one.jwks = [];
        throw new JsonSourceError('its key set holds no usable public key');
      }
      const isNew = JSON.stringify(jwks) !== JSON.stringify(one.jwks);
      one.coolDownMs = isNew || !isAsked ? COOL_DOWN_MS.first : Math.min(one.coolDownMs * 2, COOL_DOWN_MS.most);
      one.jwks = jwks;
      one.fetchedAtMs = clock.nowMs();
      one.nextAskMs = one.fetchedAtMs + one.coolDownMs;
      one.retryMs = RETRY_MS.first;
      if (one.why !== undefined) deps.onRecovered(source.issuer);
      one.why = undefined;
    } catch (error) {
      const why = error instanceof JsonSourceError ? error.message : 'its answer could not be read';
      if (one.why !== why) deps.onProblem(source.issuer, why);
      one.why = why;
      one.nextAskMs = clock.nowMs() + one.retryMs;
      one.retryMs = Math.min(one.retryMs * 2, RETRY_MS.most);
    }
    if (isStopped) return;
    const waitMs = one.why === undefined ? source.maxAgeMs : one.nextAskMs - clock.nowMs();
    one.timer = clock.after(Math.max(waitMs, RETRY_MS.first), () => void fetchOf(one, false));
    tell();
  }

  for (const one of all) void fetchOf(one, false);
  return {
    states: () => all.map(stateOf),
    async refresh(issuer) {
      const one = all.find(({ source }) => source.issuer === issuer);
      if (one === undefined) return;
      // Who asks though it is too soon has missed news, as a thread does that was just starting when they came.
      if (one.running === undefined && clock.nowMs() < one.nextAskMs) return tell();
      await fetchOf(one, true);
    },
    stop() {
      isStopped = true;
      for (const { timer } of all) timer?.cancel();
    },
  };
}

/** Where to ask an issuer. @throws JsonSourceError where its metadata does not say so, or is not its own */
async function placesOf(
  { issuer, jwksUri, caPem, introspection }: WatchedIssuer,
  get: JsonSource,
): Promise<{ readonly keys: JsonAsk; readonly introspectionEndpoint: string | undefined }> {
  const needsEndpoint = introspection !== undefined && introspection.endpoint === undefined;
  const own = new URL(issuer);
  if (jwksUri !== undefined && !needsEndpoint) {
    return {
      keys: { url: new URL(jwksUri), caPem, mustBePublic: false },
      introspectionEndpoint: introspection?.endpoint,
    };
  }
  const metadata = await discover({ issuer, caPem }, get);
  const named = (name: string): URL => {
    const value = metadata[name];
    const url = typeof value === 'string' ? URL.parse(value) : null;
    if (url === null) throw new JsonSourceError(`its metadata names no ${name}`);
    return allowedUrl(url, own);
  };
  const keys = jwksUri === undefined ? named('jwks_uri') : new URL(jwksUri);
  return {
    keys: { url: keys, caPem, mustBePublic: jwksUri === undefined && isElsewhere(keys, own) },
    introspectionEndpoint: needsEndpoint ? named('introspection_endpoint').href : introspection?.endpoint,
  };
}

/**
 * Whether a URL of an issuer's metadata leads to another server. An operator wrote down the issuer, not what it points to:
 * that must not lead into the inner network, so such a URL is asked only at public addresses.
 */
export const isElsewhere = (url: URL, issuer: URL): boolean => url.host !== issuer.host;

/** A URL that an issuer's metadata names: plain http only where the issuer itself is on this machine. @throws JsonSourceError */
export function allowedUrl(url: URL, issuer: URL): URL {
  const isLocal = issuer.protocol === 'http:' && url.protocol === 'http:' && isLoopbackHost(url.hostname);
  if (url.protocol !== 'https:' && !isLocal) throw new JsonSourceError('its metadata names a URL that is not https');
  return url;
}

/**
 * The metadata of an issuer, by OpenID Connect Discovery §4 or, where that is not there, RFC 8414 §3.
 *
 * @throws JsonSourceError where there is none, or it is another issuer's: that would hand out our trust (RFC 8414 §3.3)
 */
export async function discover(
  { issuer, caPem }: Pick<WatchedIssuer, 'issuer' | 'caPem'>,
  get: JsonSource,
): Promise<JsonObject> {
  const base = new URL(issuer);
  const path = base.pathname.replace(/\/$/, '');
  const places = [`${path}/.well-known/openid-configuration`, `/.well-known/oauth-authorization-server${path}`];
  let failure: unknown;
  for (const place of places) {
    let metadata: JsonObject;
    try {
      metadata = await get({ url: new URL(place, base), caPem, mustBePublic: false });
    } catch (error) {
      failure ??= error;
      continue;
    }
    if (metadata['issuer'] !== issuer)
      throw new JsonSourceError('its metadata names another issuer than the configuration');
    return metadata;
  }
  throw failure;
}
