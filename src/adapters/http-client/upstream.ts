import type { Upstream, UpstreamTimeouts } from '../../kernel/transport.ts';
import { Connection, type Endpoint } from './connection.ts';

/** Where an upstream is and how its certificate is judged. */
export interface UpstreamAddress {
  /** `http://HOST:PORT`, `https://HOST:PORT` or `unix:/PATH`. */
  readonly url: string;
  readonly tls: {
    readonly caPem: string | undefined;
    readonly serverName: string | undefined;
    readonly certPem: string | undefined;
    readonly keyPem: string | undefined;
  };
}

/** vLLM's server ends idle connections after 5 s: one that is nearly so old could be closed under a request. */
const MAX_IDLE_MS = 4_000;

/** Opens an upstream over HTTP/1.1, one request at a time on each connection (docs/adr/0007-own-http-client.md). */
export function createHttpUpstream(address: UpstreamAddress, timeouts: UpstreamTimeouts): Upstream {
  const { endpoint, host } = endpointOf(address);
  // The one that was used last is used first, so that the others grow old and go.
  const idle: Connection[] = [];
  let isClosed = false;

  function onFree(connection: Connection): void {
    if (isClosed) return connection.destroy();
    connection.idleSinceMs = performance.now();
    idle.push(connection);
  }

  function onGone(connection: Connection): void {
    const at = idle.lastIndexOf(connection);
    if (at >= 0) idle.splice(at, 1);
  }

  function free(): Connection {
    for (;;) {
      const connection = idle.pop();
      if (connection === undefined) return new Connection(endpoint, timeouts, onFree, onGone);
      if (performance.now() - connection.idleSinceMs < MAX_IDLE_MS) return connection;
      connection.destroy();
    }
  }

  return {
    send(request, listener) {
      const { body } = request;
      let head = `${request.method} ${request.path} HTTP/1.1\r\nhost: ${host}\r\nconnection: keep-alive\r\n`;
      for (let i = 0; i < request.headers.length; i += 2) {
        const value = request.headers[i + 1] ?? '';
        // Only our own values stand here; a line break in one would be a fault of ours, not a second header.
        if (UNFIT.test(value)) throw new TypeError('a header of a request to upstream holds a control character');
        head += `${request.headers[i]}: ${value}\r\n`;
      }
      if (body !== undefined) head += `content-length: ${Buffer.byteLength(body)}\r\n`;
      return free().send(request, `${head}\r\n`, listener);
    },
    close() {
      isClosed = true;
      for (const connection of idle.splice(0)) connection.destroy();
    },
  };
}

const UNFIT = /[^\t\x20-\x7e]/;

function endpointOf({ url, tls }: UpstreamAddress): { endpoint: Endpoint; host: string } {
  if (url.startsWith('unix:'))
    return { endpoint: { target: { path: url.slice('unix:'.length) }, tls: undefined }, host: 'localhost' };
  const { protocol, hostname, port, host } = new URL(url);
  const isTls = protocol === 'https:';
  const plain = hostname.replace(/^\[(.*)\]$/, '$1');
  return {
    host,
    endpoint: {
      target: { host: plain, port: Number(port === '' ? (isTls ? 443 : 80) : port) },
      tls: isTls
        ? {
            // An address has no name to ask for (RFC 6066 §3).
            ...(tls.serverName !== undefined
              ? { servername: tls.serverName }
              : /[a-z]/i.test(plain) && !plain.includes(':')
                ? { servername: plain }
                : {}),
            ...(tls.caPem === undefined ? {} : { ca: tls.caPem }),
            ...(tls.certPem === undefined ? {} : { cert: tls.certPem }),
            ...(tls.keyPem === undefined ? {} : { key: tls.keyPem }),
          }
        : undefined,
    },
  };
}
