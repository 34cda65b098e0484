import { isIP } from 'node:net';
import type { JsonObject } from '../../kernel/json.ts';
import type { UpstreamTimeouts } from '../../kernel/transport.ts';
import { BodyBuffer } from '../../wire/body-buffer.ts';
import { parseStrictJson } from '../../wire/strict-json.ts';
import { CLIENT_TLS } from '../tls/endpoint.ts';
import { Connection } from './connection.ts';

/** What a source of documents works with. */
export interface JsonSourceDeps {
  /** All addresses of a host. */
  readonly resolve: (host: string) => Promise<readonly string[]>;
  readonly isPublicAddress: (address: string) => boolean;
  /** `sallyport/<version>`. */
  readonly userAgent: string;
  /** Left out, those of the product. */
  readonly timeouts?: UpstreamTimeouts;
}

/** One question. */
export interface JsonAsk {
  /** `https:`, or `http:` where the configuration has allowed it. */
  readonly url: URL;
  /** Certificates to trust in place of those that the runtime does. */
  readonly caPem: string | undefined;
  /** Refuses hosts with an address that is not of the public internet: for URLs that no operator wrote down. */
  readonly mustBePublic: boolean;
  /** A form to post; left out, it is a GET. */
  readonly form?: { readonly body: string; readonly authorization: string | undefined };
}

/** The document could not be had; `message` says why, for the operator, without text of the answer. */
export class JsonSourceError extends Error {
  readonly code = 'json_source';
}

/** Gets JSON documents from other servers. */
export type JsonSource = (ask: JsonAsk) => Promise<JsonObject>;

const TIMEOUTS: UpstreamTimeouts = { connectMs: 3_000, firstByteMs: 5_000, betweenChunksMs: 3_000, totalMs: 10_000 };
const MAX_BYTES = 512 * 1024;
const MAX_SMALL_PIECES = 4_096;
const MAX_ADDRESSES = 4;

/**
 * A source over HTTP/1.1. Each document comes on a connection of its own, to exactly an address that was judged (DNS
 * rebinding); no redirect is followed, no coding unpacked, and what is too large or too slow is refused.
 */
export function createJsonSource({
  resolve,
  isPublicAddress,
  userAgent,
  timeouts = TIMEOUTS,
}: JsonSourceDeps): JsonSource {
  return async (ask) => {
    const host = ask.url.hostname.replace(/^\[(.*)\]$/, '$1');
    const addresses = isIP(host) > 0 ? [host] : await addressesOf(host);
    if (ask.mustBePublic && !addresses.every((address) => isIP(address) > 0 && isPublicAddress(address))) {
      throw new JsonSourceError(`${host} has an address that is not public`);
    }
    let last = new JsonSourceError(`${host} has no address`);
    for (const address of addresses.slice(0, MAX_ADDRESSES)) {
      try {
        return await askAt(address, host, ask);
      } catch (error) {
        if (!(error instanceof Unreachable)) throw error;
        last = error;
      }
    }
    throw last;
  };

  async function addressesOf(host: string): Promise<readonly string[]> {
    try {
      return [...new Set(await resolve(host))];
    } catch {
      throw new JsonSourceError(`the name ${host} cannot be resolved`);
    }
  }

  function askAt(address: string, host: string, { url, caPem, form }: JsonAsk): Promise<JsonObject> {
    const isTls = url.protocol === 'https:';
    const port = Number(url.port === '' ? (isTls ? 443 : 80) : url.port);
    const connection = new Connection(
      {
        target: { host: address, port },
        tls: isTls
          ? {
              ...CLIENT_TLS,
              rejectUnauthorized: true, // whatever NODE_TLS_REJECT_UNAUTHORIZED says: forged keys would let anybody in
              ...(isIP(host) > 0 ? {} : { servername: host }),
              ...(caPem === undefined ? {} : { ca: caPem }),
            }
          : undefined,
      },
      timeouts,
      MAX_SMALL_PIECES,
      () => undefined,
      () => undefined,
    );
    const method = form === undefined ? 'GET' : 'POST';
    const head =
      `${method} ${url.pathname}${url.search} HTTP/1.1\r\nhost: ${url.host}\r\nconnection: close\r\n` +
      `user-agent: ${userAgent}\r\naccept: application/json\r\naccept-encoding: identity\r\n` +
      (form === undefined
        ? ''
        : `content-type: application/x-www-form-urlencoded\r\n` +
          (form.authorization === undefined ? '' : `authorization: ${form.authorization}\r\n`) +
          `content-length: ${Buffer.byteLength(form.body)}\r\n`);
    return new Promise<JsonObject>((done, reject) => {
      const fail = (error: Error): void => {
        clearTimeout(total);
        connection.destroy();
        reject(error);
      };
      // A byte now and then would keep a question open for ever, and with it all that wait for the same answer.
      const total = setTimeout(
        () => fail(new JsonSourceError(`${url.origin} took too long to answer`)),
        timeouts.totalMs,
      );
      const body = new BodyBuffer(() => true, MAX_BYTES);
      connection.send({ method, path: url.pathname, headers: [], body: form?.body }, `${head}\r\n`, {
        head({ status }) {
          if (status !== 200) fail(new JsonSourceError(`${url.origin}${url.pathname} answered ${status}`));
        },
        chunk(bytes) {
          if (body.length + bytes.length > MAX_BYTES) {
            fail(new JsonSourceError(`${url.origin}${url.pathname} answered more than ${MAX_BYTES} bytes`));
          } else body.add(bytes);
          return true;
        },
        end() {
          clearTimeout(total);
          connection.destroy();
          const parsed = parseStrictJson(body.bytes());
          if (parsed.ok) done(parsed.value);
          else reject(new JsonSourceError(`${url.origin}${url.pathname} answered no JSON object`));
        },
        fault(fault) {
          const why = `${url.origin} cannot be asked (${fault})`;
          fail(fault === 'connect' ? new Unreachable(why) : new JsonSourceError(why));
        },
      });
    });
  }
}

/** Nothing of the question was sent: another address may be asked. */
class Unreachable extends JsonSourceError {}
