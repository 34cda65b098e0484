import type {
  CloseCode,
  Socket,
  SocketListener,
  UpstreamSocketListener,
  UpstreamSockets,
} from '../../src/kernel/transport.ts';

/** A WebSocket in memory: what was sent to its peer, and what that can do. */
export interface FakeSocket extends Socket {
  readonly listener: SocketListener;
  readonly sent: string[];
  closedWith: CloseCode | undefined;
  isDestroyed: boolean;
  isPaused: boolean;
  /** The next sends find the buffer full. */
  isFull: boolean;
}

/** A socket whose peer reads all that it is sent. */
export function fakeSocket(listener: SocketListener): FakeSocket {
  const socket: FakeSocket = {
    listener,
    sent: [],
    closedWith: undefined,
    isDestroyed: false,
    isPaused: false,
    isFull: false,
    send(text) {
      if (socket.closedWith !== undefined || socket.isDestroyed) throw new Error('a text behind the end');
      socket.sent.push(text);
      return !socket.isFull;
    },
    close(code) {
      if (socket.closedWith !== undefined || socket.isDestroyed) throw new Error('a second end');
      socket.closedWith = code;
    },
    destroy: () => void (socket.isDestroyed = true),
    pause: () => void (socket.isPaused = true),
    resume: () => void (socket.isPaused = false),
  };
  return socket;
}

/** One socket that an upstream in memory was asked for. */
export interface FakeUpstreamSocket extends FakeSocket {
  readonly path: string;
  readonly headers: readonly string[];
  readonly listener: UpstreamSocketListener;
}

/** An upstream in memory; tests speak through the listeners of its sockets. */
export function fakeUpstreamSockets(): UpstreamSockets & { readonly opened: FakeUpstreamSocket[] } {
  const opened: FakeUpstreamSocket[] = [];
  return {
    opened,
    open(path, headers, listener) {
      const socket: FakeUpstreamSocket = Object.assign(fakeSocket(listener), { path, headers, listener });
      opened.push(socket);
      return socket;
    },
  };
}
