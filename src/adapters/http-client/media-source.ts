import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { MediaUrl } from '../../kernel/exchange.ts';
import type { UpstreamCall, UpstreamHead, UpstreamTimeouts } from '../../kernel/transport.ts';
import type { MediaAnswer, MediaAsk, MediaSource } from '../../stages/fetch-media/media-source.ts';
import { BodyBuffer } from '../../wire/body-buffer.ts';
import { CLIENT_TLS } from '../tls/endpoint.ts';
import { Connection } from './connection.ts';

/** What a source of media works with. Nothing of it is an option: what may be reached cannot be loosened. */
export interface MediaSourceDeps {
  /** All addresses of a host. */
  readonly resolve: (host: string) => Promise<readonly string[]>;
  /** Whether an address is one of the public internet. */
  readonly isPublicAddress: (address: string) => boolean;
  /** How long each step may take; all steps together are bounded by who asks. */
  readonly timeouts: UpstreamTimeouts;
  /** Certificates to trust in place of those that the runtime does: its own, and those of `NODE_EXTRA_CA_CERTS`. */
  readonly caPem?: string;
}

/** All addresses that the system's resolver knows, in its order. */
export async function resolveBySystem(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true, order: 'verbatim' })).map(({ address }) => address);
}

/** Addresses of a host that are tried, one after the other, while none can be connected to. */
const MAX_ADDRESSES = 4;
/** Names that are resolved at once: a resolver that hangs holds a thread of the process until it gives up. */
const MAX_LOOKUPS = 16;
/** Pieces of an answer that may be tiny: a stranger's server must not keep a thread busy with single bytes. */
const MAX_SMALL_PIECES = 4_096;
const DEFAULT_PORT = 443;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const FAILED: MediaAnswer = { kind: 'failed' };
const NO_ROOM: MediaAnswer = { kind: 'no-room' };

/**
 * A source that gets media over HTTP/1.1 and TLS, each on a connection of its own, to exactly an address that was judged:
 * the name is resolved once for both (DNS rebinding).
 */
export function createHttpMediaSource(deps: MediaSourceDeps): MediaSource {
  let lookups = 0;

  async function addressesOf(host: string): Promise<readonly string[] | undefined> {
    lookups++;
    try {
      const addresses = [...new Set(await deps.resolve(host))];
      // One that is not public among them refuses all: else the order of the answer would decide what is reached.
      const arePublic = addresses.every((address) => isIP(address) !== 0 && deps.isPublicAddress(address));
      return arePublic ? addresses.slice(0, MAX_ADDRESSES) : undefined;
    } catch {
      return undefined;
    } finally {
      lookups--;
    }
  }

  return {
    async get(url, ask) {
      if (ask.signal.aborted) return FAILED;
      if (lookups >= MAX_LOOKUPS) return NO_ROOM;
      const addresses = await Promise.race([addressesOf(url.host), aborted(ask.signal)]);
      for (const address of addresses ?? []) {
        if (ask.signal.aborted) break;
        const answer = await getFrom(address, url, ask, deps);
        if (answer !== 'unreachable') return answer;
      }
      return FAILED;
    },
  };
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(undefined);
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}

/** One GET to one address. Nothing of it was sent where that was unreachable. */
function getFrom(
  address: string,
  url: MediaUrl,
  ask: MediaAsk,
  { timeouts, caPem }: MediaSourceDeps,
): Promise<MediaAnswer | 'unreachable'> {
  return new Promise((resolve) => {
    let call: UpstreamCall | undefined;
    let body: BodyBuffer | undefined;
    const end = (answer: MediaAnswer | 'unreachable'): void => {
      ask.signal.removeEventListener('abort', stop);
      call?.abort();
      connection.destroy();
      resolve(answer);
    };
    const stop = (): void => end(FAILED);
    const connection = new Connection(
      {
        target: { host: address, port: url.port },
        tls: {
          ...CLIENT_TLS,
          servername: url.host, // the certificate is judged by it, too
          rejectUnauthorized: true, // whatever NODE_TLS_REJECT_UNAUTHORIZED says
          ...(caPem === undefined ? {} : { ca: caPem }),
        },
      },
      timeouts,
      MAX_SMALL_PIECES,
      () => undefined,
      () => undefined,
    );
    ask.signal.addEventListener('abort', stop, { once: true });
    call = connection.send({ method: 'GET', path: url.path, headers: [], body: undefined }, headOf(url), {
      head(head) {
        const verdict = judgeHead(head, ask);
        if (verdict !== undefined) return end(verdict);
        // The memory is taken below, as bytes arrive: what is only announced takes none.
        body = new BodyBuffer(() => true, ask.room());
      },
      chunk(bytes) {
        if (body === undefined) return true;
        if (bytes.length > ask.room()) end({ kind: 'too-large' });
        else if (!ask.take(bytes.length) || !body.add(bytes)) end(NO_ROOM);
        return true;
      },
      end: () => end(body === undefined ? FAILED : { kind: 'body', bytes: body.bytes() }),
      fault: (fault) => end(fault === 'connect' ? 'unreachable' : FAILED),
    });
  });
}

/** What ends a GET as soon as its head is there; undefined where the body is wanted. */
function judgeHead(head: UpstreamHead, ask: MediaAsk): MediaAnswer | undefined {
  const location = head.header('location');
  if (REDIRECTS.has(head.status) && location !== undefined) return { kind: 'redirect', location };
  if (head.status !== 200) return FAILED;
  // Unasked for, and what it unpacks to is bounded by nothing (decompression bombs).
  if ((head.header('content-encoding') ?? 'identity').toLowerCase() !== 'identity') return FAILED;
  return Number(head.header('content-length') ?? 0) > ask.room() ? { kind: 'too-large' } : undefined;
}

/** From scratch: nothing of the caller's head goes to a stranger, and nothing that tells who asks or which release. */
function headOf({ host, port, path }: MediaUrl): string {
  const authority = port === DEFAULT_PORT ? host : `${host}:${port}`;
  const accept = 'image/png, image/jpeg, image/gif, image/webp';
  return (
    `GET ${path} HTTP/1.1\r\nhost: ${authority}\r\nconnection: close\r\nuser-agent: sallyport-media\r\n` +
    `accept: ${accept}\r\naccept-encoding: identity\r\n\r\n`
  );
}
