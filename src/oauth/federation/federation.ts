import { LRUCache } from 'lru-cache';
import type { SignedIn } from '../interactions/signed-in.ts';
import type { OAuthLog } from '../log.ts';
import { createFederatedPeople, type FederatedPeopleDeps } from './federated-people.ts';
import {
  createOpenidProvider,
  whyOf,
  type Begun,
  type FederationOptions,
  type OpenidProvider,
  type ProviderFetch,
} from './openid-provider.ts';
import { ownGroupsOf, providerClaimsOf } from './provider-claims.ts';

/** The way of a browser through the pages that a sign-in elsewhere leaves and comes back to. */
export interface FederatedPlace {
  readonly key: string;
  /** Path of the page that it comes back to. */
  readonly action: string;
}

/** What came of a browser's coming back. */
export type Arrival =
  /** Signed in: the page at `action` takes it. */
  | { readonly kind: 'arrived'; readonly place: FederatedPlace }
  /** Not signed in, and may try again. */
  | { readonly kind: 'failed'; readonly place: FederatedPlace }
  /** Known there, but of no use here. */
  | { readonly kind: 'unwelcome' }
  /** Begun in another browser, by nobody, or too long ago. */
  | { readonly kind: 'astray' };

/** Signing in at the company's OpenID provider. */
export interface Federation {
  /** Name of the provider for people; undefined where none is configured. */
  host(): string | undefined;
  /**
   * Where the browser goes; undefined where the provider cannot be asked.
   *
   * @param browser what its cookie says
   * @param maxAgeS how long ago the sign-in there may have been
   */
  begin(place: FederatedPlace, browser: string, maxAgeS: number, requestId: string): Promise<URL | undefined>;
  arrive(answer: URLSearchParams, browser: string, requestId: string): Promise<Arrival>;
  /** Who has arrived for a place, once. */
  take(key: string): SignedIn | undefined;
}

/** Where the provider sends browsers back to. */
export const FEDERATED_PATH = '/account/federated';

const FLOW_MS = 10 * 60_000;
/** From the return of the browser to the page that it is sent on to. */
const ARRIVED_MS = 60_000;

interface Flow extends Begun {
  readonly browser: string;
  readonly place: FederatedPlace;
  readonly provider: Provider;
}

interface Provider extends OpenidProvider {
  readonly options: FederationOptions;
}

/** @param deps.options as they are configured now */
export function createFederation(
  deps: FederatedPeopleDeps & {
    readonly publicUrl: string;
    readonly options: () => FederationOptions | undefined;
    readonly fetch: ProviderFetch;
    readonly log: OAuthLog;
  },
): Federation {
  const { log } = deps;
  const redirectUri = `${deps.publicUrl}${FEDERATED_PATH}`;
  /** By state: each is used once. */
  const flows = new LRUCache<string, Flow>({ max: 10_000, ttl: FLOW_MS });
  const arrived = new LRUCache<string, SignedIn>({ max: 10_000, ttl: ARRIVED_MS });
  let current: Provider | undefined;

  function providerNow(): Provider | undefined {
    const options = deps.options();
    if (options === undefined) return undefined;
    if (current?.options !== options) {
      current = { options, ...createOpenidProvider(options, redirectUri, deps.fetch, deps.clock) };
    }
    return current;
  }

  /** The person that claims are of, with the groups that they have now. */
  async function admit(
    claims: Readonly<Record<string, unknown>>,
    { issuer, groups: map }: FederationOptions,
    requestId: string,
  ): Promise<SignedIn | undefined> {
    const { subject, name, groups, strength, authenticatedAtS } = providerClaimsOf(claims);
    const people = createFederatedPeople(deps, issuer);
    const own = ownGroupsOf(groups, map);
    if (own.length === 0) {
      await people.strip(subject);
      log.info('federation_refused', { why: 'no_group', requestId });
      return undefined;
    }
    const userId = await people.admit({ subject, name, groups: own });
    if (userId !== undefined) {
      // Never a time to come: a session would live on for longer than any.
      const nowS = Math.floor(deps.clock.nowMs() / 1000);
      return { userId, strength, authenticatedAtS: Math.min(authenticatedAtS ?? nowS, nowS) };
    }
    log.info('federation_refused', { why: 'not_active', requestId });
    return undefined;
  }

  /** What is no attack by itself is no line of security: else nobody would read those. */
  function noteFailure(why: string, requestId: string): void {
    switch (why) {
      case 'OAUTH_AUTHORIZATION_RESPONSE_ERROR':
        return log.info('federation_declined', { requestId });
      case 'json_source':
        return log.info('federation_unreachable', { why, requestId });
      default:
        return log.security('federation_failed', { why, requestId });
    }
  }

  return {
    host() {
      const options = deps.options();
      return options === undefined ? undefined : new URL(options.issuer).host;
    },
    async begin(place, browser, maxAgeS, requestId) {
      const provider = providerNow();
      if (provider === undefined) return undefined;
      try {
        const { url, begun } = await provider.begin(maxAgeS);
        flows.set(begun.state, { ...begun, browser, place, provider });
        return url;
      } catch (error) {
        log.info('federation_unreachable', { why: whyOf(error), requestId });
        return undefined;
      }
    },
    async arrive(answer, browser, requestId) {
      const state = answer.get('state') ?? '';
      const flow = flows.get(state);
      // Gone before anything is done with it, so that of two at once one is nobody's.
      flows.delete(state);
      if (flow === undefined || flow.browser !== browser) {
        // Somebody may be trying to sign another browser in as themselves, or to use what it has brought (RFC 9700 §4.7).
        log.security('federation_state', { why: flow === undefined ? 'unknown' : 'browser', requestId });
        return { kind: 'astray' };
      }
      const { place, provider } = flow;
      // As it is configured now: what was taken out meanwhile must not come in by a way that began before.
      const options = deps.options();
      if (options?.issuer !== provider.options.issuer) return { kind: 'astray' };
      let claims: Readonly<Record<string, unknown>>;
      try {
        claims = await provider.finish(answer, flow);
      } catch (error) {
        noteFailure(whyOf(error), requestId);
        return { kind: 'failed', place };
      }
      const done = await admit(claims, options, requestId);
      if (done === undefined) return { kind: 'unwelcome' };
      arrived.set(place.key, done);
      return { kind: 'arrived', place };
    },
    take(key) {
      const done = arrived.get(key);
      arrived.delete(key);
      return done;
    },
  };
}
