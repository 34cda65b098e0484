import { IncomingMessage } from '../../kernel/http-module.ts';
import type { Socket as Connection } from 'node:net';
import { WebSocketServer } from 'ws';
import type { Handshake, Socket, SocketListener } from '../../kernel/transport.ts';
import { TextSocket, socketOptions, type SocketBounds } from './text-socket.ts';

/** Makes the socket of a connection whose handshake was judged; `rest` has come behind its head. */
export type OpenSocket = (
  connection: Connection,
  rest: Buffer,
  handshake: Handshake,
  headers: readonly string[],
  listener: SocketListener,
) => Socket;

/** Opens sockets on connections of a server of ours (docs/adr/0010-web-socket-by-ws.md). */
export function createSocketOpener(bounds: SocketBounds): OpenSocket {
  const server = new WebSocketServer({
    ...socketOptions(bounds),
    noServer: true,
    clientTracking: false,
    WebSocket: TextSocket,
  });
  let own: readonly string[] = [];
  server.on('headers', (lines) => {
    for (let i = 0; i < own.length; i += 2) {
      const value = own[i + 1] ?? '';
      if (UNFIT.test(value)) throw new TypeError('a header of ours holds a control character');
      lines.push(`${own[i]}: ${value}`);
    }
  });

  return (connection, rest, { key, protocol }, headers, listener) => {
    // Made from what was judged alone: `ws` sees nothing else of the caller's head.
    const request = new IncomingMessage(connection);
    request.method = 'GET';
    request.headers = {
      upgrade: 'websocket',
      'sec-websocket-key': key,
      'sec-websocket-version': '13',
      ...(protocol === undefined ? {} : { 'sec-websocket-protocol': protocol }),
    };
    own = headers;
    let opened: Socket | undefined;
    server.handleUpgrade(request, connection, rest, (socket) => {
      opened = socket.listen(listener);
    });
    connection.resume();
    return opened ?? gone(connection, listener);
  };
}

const UNFIT = /[^\t\x20-\x7e]/;

/** The peer went away before it could be told. */
function gone(connection: Connection, listener: SocketListener): Socket {
  const nothing = (): void => undefined;
  let isHeard = true;
  const forget = (): void => void (isHeard = false);
  connection.destroy();
  queueMicrotask(() => {
    if (isHeard) listener.closed(false);
  });
  return { send: () => true, close: forget, destroy: forget, pause: nothing, resume: nothing };
}
