import { WebSocket } from 'ws';
import type { TestGateway } from './gateway.ts';

/** An event as it came. */
export type Event = { readonly type?: string; readonly [name: string]: unknown };

/** A client of `/v1/realtime` that collects what it hears. */
export interface RealtimeClient extends AsyncDisposable {
  readonly socket: WebSocket;
  readonly events: Event[];
  send(event: object | string | Buffer): void;
  /** The next event of a type that was not asked for before. @throws Error where the socket closes without one */
  next(type: string): Promise<Event>;
  /** The code by which the socket has closed. */
  readonly closed: Promise<number>;
}

/** A handshake that was answered over HTTP. */
export class Refused extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  constructor(status: number, headers: Refused['headers'], body: string) {
    super(`${status} ${body}`);
    this.status = status;
    this.headers = headers;
    this.body = body;
  }
}

/** How a client asks. */
export interface RealtimeAsk {
  readonly key?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly protocols?: readonly string[];
}

/** Opens a WebSocket. @throws Refused */
export function openRealtime(
  to: Pick<TestGateway, 'url' | 'ca'>,
  { key, path = '/v1/realtime', headers = {}, protocols = [] }: RealtimeAsk,
): Promise<RealtimeClient> {
  const credential = key === undefined ? {} : { authorization: `Bearer ${key}` };
  const socket = new WebSocket(`${to.url.replace(/^http/, 'ws')}${path}`, [...protocols], {
    headers: { ...credential, ...headers },
    ...(to.ca === undefined ? {} : { ca: to.ca }),
  });
  const events: Event[] = [];
  const taken = new Set<Event>();
  let waiting: (() => void)[] = [];
  const wake = (): void => {
    const all = waiting;
    waiting = [];
    for (const run of all) run();
  };
  const closed = new Promise<number>((resolve) =>
    socket.once('close', (code) => {
      resolve(code);
      wake();
    }),
  );
  socket.on('message', (data: Buffer) => {
    events.push(JSON.parse(data.toString()) as Event);
    wake();
  });
  const client: RealtimeClient = {
    socket,
    events,
    send: (event) => socket.send(typeof event === 'string' || Buffer.isBuffer(event) ? event : JSON.stringify(event)),
    async next(type) {
      for (;;) {
        const found = events.find((event) => event.type === type && !taken.has(event));
        if (found !== undefined) {
          taken.add(found);
          return found;
        }
        if (socket.readyState === WebSocket.CLOSED) throw new Error(`closed before ${type}: ${JSON.stringify(events)}`);
        await new Promise<void>((resolve) => waiting.push(resolve));
      }
    },
    closed,
    async [Symbol.asyncDispose]() {
      socket.close();
      await closed;
    },
  };
  return new Promise((resolve, reject) => {
    socket.once('open', () => resolve(client));
    socket.on('error', reject);
    socket.once('unexpected-response', (request, response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => (body += part));
      response.on('end', () => {
        reject(new Refused(response.statusCode ?? 0, response.headers, body));
        request.destroy();
      });
    });
  });
}

/** Zeros as base64 PCM16. */
export const pcm = (samples: number, value = 0): string => {
  const bytes = Buffer.alloc(samples * 2);
  for (let i = 0; i < samples; i++) bytes.writeInt16LE(value, i * 2);
  return bytes.toString('base64');
};
