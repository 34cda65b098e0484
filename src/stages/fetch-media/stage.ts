import type { Clock } from '../../kernel/clock.ts';
import type { Exchange, Has, Principal, RemoteMedia, RemoteMedium, Slots } from '../../kernel/exchange.ts';
import { deny, type Denial } from '../../kernel/reasons.ts';
import type { Stage } from '../../kernel/stage.ts';
import type { Ask, Counters } from '../../limits/counters.ts';
import { DEFAULT_MEDIA_CAPS, TOO_MANY_PIXELS, encodeImage } from '../../vllm/media/image.ts';
import { Refusal, invalid, outOfRange } from '../../vllm/fields/refusal.ts';
import type { PatchCheck } from '../../vllm/patches/patch.ts';
import { follow } from './follow.ts';
import type { MediaSource } from './media-source.ts';
import { withMedia, type FetchedMedium } from './with-media.ts';

/** What the stage takes from elsewhere. */
export interface FetchMediaDeps {
  readonly source: MediaSource;
  readonly counters: Counters;
  readonly clock: Clock;
  /** The virtual patches that the upstreams of a model need. */
  readonly patchCheckOf: (model: string) => PatchCheck;
  /** Whether what a principal came with may still be used. */
  readonly isUsable: (principal: Principal) => boolean;
  /** Has `cut` called when that is revoked; gives what forgets it again. */
  readonly onRevoked: (principal: Principal, cut: (denial: Denial) => void) => () => void;
}

/** All media of a request together: shorter than the first keep-alive of a stream that waits for them. */
const TOTAL_MS = 10_000;
/** Media of a request that are fetched at once. */
const MAX_AT_ONCE = 4;
/** Requests of a principal whose media are fetched at once, over all threads. */
const MAX_OF_PRINCIPAL = 8;
/** Requests of a thread whose media are fetched at once. */
const MAX_OF_THREAD = 64;
const RETRY_MS = 1000;
/** Bytes of base64 for each byte. */
const BASE64 = 4 / 3;

/** What all media of a request have in common. */
interface Shared {
  /** Bytes of media that the request may hold in all. */
  readonly capBytes: number;
  /** What is left of them, and of the pixels. */
  readonly rest: { bytes: number; pixels: number };
  readonly signal: AbortSignal;
}

type Here = Exchange & Has<'principal' | 'route' | 'request' | 'model'> & Slots<'sentBody'>;

/**
 * Puts the media that a request names by URL into it, as `data:` URLs: vLLM, which would fetch from whatever host it can
 * reach, never gets another one. What was fetched is judged as what comes with a request is, and the whole by the virtual
 * patches, last and as it is sent. Denies with 400 what cannot be fetched or is not good, naming the field and never the
 * URL, 429 a principal that has too much fetched at once, 503 where there is no room. A dry run fetches nothing.
 */
export function createFetchMedia(deps: FetchMediaDeps): Stage<'principal' | 'route' | 'request' | 'model', 'sentBody'> {
  let running = 0;
  const askOf = (principalId: string): Ask => {
    const counter = deps.counters.keyOf(`media:${principalId}`);
    return { kind: 'concurrency', name: 'media', counter, limit: MAX_OF_PRINCIPAL };
  };

  async function fetchMedia(x: Here, remote: RemoteMedia): Promise<Denial | undefined> {
    // Its body may have taken half a minute: a key that was revoked meanwhile must not start anything.
    if (!deps.isUsable(x.principal)) return deny('revoked_credential');
    if (running >= MAX_OF_THREAD) return deny('overloaded', { retryAfterMs: RETRY_MS });
    const { counters, clock } = deps;
    const spent = await counters.spend([askOf(x.principal.id)], clock.monotonicMs());
    if (spent.kind === 'refused') {
      return deny('concurrency_limited', { message: TOO_MANY, retryAfterMs: RETRY_MS });
    }
    running++;
    try {
      return await fetchAll(x, remote);
    } finally {
      running--;
      counters.settle(spent, [], clock.monotonicMs());
    }
  }

  async function fetchAll(x: Here, remote: RemoteMedia): Promise<Denial | undefined> {
    const stop = new AbortController();
    const fetched: FetchedMedium[] = [];
    let verdict: Denial | undefined;
    const end = (denial: Denial | undefined): void => {
      if (stop.signal.aborted) return;
      verdict = denial;
      stop.abort();
    };
    const total = deps.clock.after(TOTAL_MS, () => end(couldNotFetch(firstMissing(remote, fetched))));
    const forget = deps.onRevoked(x.principal, end);
    // Nobody waits any more. The request goes on as it is to its end, which sends nothing for a peer that has gone.
    x.downstream.onDisconnect(() => end(undefined));
    const rest = { bytes: remote.maxBytes, pixels: remote.maxPixels };
    const shared: Shared = { capBytes: remote.capBytes, rest, signal: stop.signal };
    const queue = remote.media.values();
    try {
      const takers = Array.from({ length: Math.min(MAX_AT_ONCE, remote.media.length) }, async () => {
        for (const medium of queue) {
          const one = await fetchOne(x, medium, shared);
          if (stop.signal.aborted) return;
          if ('code' in one) return end(one);
          fetched.push(one);
        }
      });
      await Promise.all(takers);
    } finally {
      total.cancel();
      forget();
    }
    if (stop.signal.aborted) return verdict;
    const body = withMedia(x.request.body, fetched);
    // Last, and on what is sent: a patch answers only where it alone refuses.
    const hole = deps.patchCheckOf(x.request.model)(x.route.id, body);
    if (hole !== undefined) return deny(hole.code, { param: hole.path, message: hole.message });
    x.sentBody = body;
    return undefined;
  }

  async function fetchOne(
    x: Here,
    medium: RemoteMedium,
    { capBytes, rest, signal }: Shared,
  ): Promise<FetchedMedium | Denial> {
    const { url, places } = medium;
    // Each place gets a copy of its own, which counts as one that was sent would.
    const copies = places.length;
    const answer = await follow(deps.source, url, {
      room: () => Math.floor(rest.bytes / copies),
      take(bytes) {
        rest.bytes -= bytes * copies;
        return x.downstream.growBody(Math.ceil(bytes * (1 + copies * BASE64)));
      },
      signal,
    });
    switch (answer.kind) {
      case 'body': {
        const image = encodeImage(answer.bytes, { ...DEFAULT_MEDIA_CAPS, mediaBytes: capBytes });
        if (image instanceof Refusal) return refuse(medium, image);
        rest.pixels -= image.facts.width * image.facts.height * copies;
        return rest.pixels < 0 ? refuse(medium, TOO_MANY_PIXELS) : { medium, url: image.url };
      }
      case 'too-large':
        return refuse(medium, outOfRange(`Send at most ${capBytes} bytes of media in all.`));
      case 'no-room':
        return deny('overloaded', { retryAfterMs: RETRY_MS });
      default:
        return couldNotFetch(medium);
    }
  }

  return {
    name: 'fetch-media',
    adds: ['sentBody'],
    decide(x) {
      const { body, remoteMedia } = x.request;
      x.sentBody = body;
      return remoteMedia === undefined || x.isDryRun ? undefined : fetchMedia(x, remoteMedia);
    },
  };
}

const TOO_MANY = 'Too many requests with media by URL at once. Wait for one to be fetched, or send data URLs.';
/** One for every cause: what a host answers, or whether there is one, is not told to who could not ask it himself. */
const NOT_FETCHED = invalid(
  'The medium could not be fetched. Check that the URL answers with the image itself, or send it as a data URL.',
);

const refuse = ({ places }: Pick<RemoteMedium, 'places'>, { code, path, message }: Refusal): Denial =>
  deny(code, { param: places[0]?.path ?? path, message });

/** The first that is not there, in the order of the body. */
function firstMissing({ media }: RemoteMedia, fetched: readonly FetchedMedium[]): RemoteMedium | undefined {
  return media.find((one) => !fetched.some(({ medium }) => medium === one));
}

const couldNotFetch = (medium: RemoteMedium | undefined): Denial => refuse(medium ?? { places: [] }, NOT_FETCHED);
