import type { Upstream, UpstreamTimeouts } from '../../kernel/transport.ts';
import { endpointOf, type UpstreamAddress } from '../tls/endpoint.ts';
import { Connection } from './connection.ts';

/** vLLM's server ends idle connections after 5 s: one that is nearly so old could be closed under a request. */
const MAX_IDLE_MS = 4_000;

/** A stream may come letter by letter; what is meant is only that no answer is made of nothing else for ever. */
const MAX_SMALL_PIECES = 256 * 1024;

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
      if (connection === undefined) return new Connection(endpoint, timeouts, MAX_SMALL_PIECES, onFree, onGone);
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
