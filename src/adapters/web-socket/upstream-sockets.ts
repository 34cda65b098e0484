import { connect as connectTcp, type Socket as Connection } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { SocketRefusal, UpstreamSockets, UpstreamTimeouts } from '../../kernel/transport.ts';
import { endpointOf, type Endpoint, type UpstreamAddress } from '../tls/endpoint.ts';
import { TextSocket, socketOptions, type SocketBounds } from './text-socket.ts';

/** Opens WebSockets to an upstream. */
export function createUpstreamSockets(
  address: UpstreamAddress,
  timeouts: Pick<UpstreamTimeouts, 'connectMs' | 'firstByteMs'>,
  bounds: SocketBounds,
): UpstreamSockets {
  const { endpoint, host } = endpointOf(address);
  return {
    open(path, headers, listener) {
      let isConnected = false;
      let isLate = false;
      /** A refusal is the last thing that is told: the close that follows it is none of an open socket. */
      let phase: 'opening' | 'open' | 'over' = 'opening';
      const late = setTimeout(() => {
        isLate = true;
        socket.terminate();
      }, timeouts.connectMs + timeouts.firstByteMs).unref();
      const refuse = (refusal: SocketRefusal): void => {
        clearTimeout(late);
        if (phase !== 'opening') return;
        phase = 'over';
        listener.refused(refusal);
      };
      // The scheme only says that `ws` is not to make the connection itself: `connect` does, with or without TLS.
      const socket = new TextSocket(`ws://${host}${path}`, {
        ...socketOptions(bounds),
        followRedirects: false,
        headers: headersFrom(headers),
        createConnection: (_options: unknown, ready: Ready) =>
          connect(endpoint, timeouts.connectMs, (error, connection) => {
            isConnected = error === null;
            ready(error, connection);
          }),
      } as ConstructorParameters<typeof TextSocket>[2]);
      socket.once('open', () => {
        clearTimeout(late);
        if (phase !== 'opening') return;
        phase = 'open';
        listener.opened();
      });
      socket.once('unexpected-response', (request, response) => {
        refuse({ kind: 'status', status: response.statusCode ?? 502 });
        request.destroy();
      });
      socket.once('error', () => {
        refuse({ kind: 'fault', fault: isLate ? 'timeout' : isConnected ? 'reset' : 'connect' });
      });
      const opened = socket.listen({
        text: (bytes) => listener.text(bytes),
        control: () => listener.control(),
        fault: (fault) => listener.fault(fault),
        drained: () => listener.drained(),
        closed: (isClean) => {
          if (phase === 'open') listener.closed(isClean);
          else refuse({ kind: 'fault', fault: 'reset' });
        },
      });
      const forget = (): void => {
        clearTimeout(late);
        phase = 'over';
      };
      return {
        ...opened,
        close(code) {
          forget();
          opened.close(code);
        },
        destroy() {
          forget();
          opened.destroy();
        },
      };
    },
  };
}

type Ready = (error: Error | null, connection?: Connection) => void;

/** Connects; with TLS it is ready only once the certificate was accepted: the key of upstream goes to nobody else. */
function connect({ target, tls }: Endpoint, connectMs: number, ready: Ready): undefined {
  const connection = tls === undefined ? connectTcp({ ...target, noDelay: true }) : connectTls({ ...target, ...tls });
  const late = setTimeout(() => connection.destroy(new Error('the connection took too long')), connectMs).unref();
  const failed = (error: Error): void => {
    clearTimeout(late);
    ready(error);
  };
  connection.once('error', failed);
  connection.once(tls === undefined ? 'connect' : 'secureConnect', () => {
    clearTimeout(late);
    connection.off('error', failed);
    ready(null, connection);
  });
  return undefined;
}

function headersFrom(pairs: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let i = 0; i < pairs.length; i += 2) headers[pairs[i] ?? ''] = pairs[i + 1] ?? '';
  return headers;
}
