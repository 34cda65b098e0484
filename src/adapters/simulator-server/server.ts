import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { systemClock, type Clock } from '../../kernel/clock.ts';
import { urlHost } from '../../kernel/host.ts';
import { createOrders, misbehaviourFrom, type MisbehaviourOrder } from '../../simulator/misbehaviour.ts';
import type { EngineLoad } from '../../simulator/metadata.ts';
import { defaultSimulatorOptions, type SimulatorOptions } from '../../simulator/options.ts';
import { isWithoutKey } from '../../simulator/key-check.ts';
import { createResponseStore } from '../../simulator/response-store.ts';
import { createReceivedLog, type ReceivedRequest } from '../../simulator/received.ts';
import { answerRequest } from '../../simulator/simulator.ts';
import { pathOfTarget } from '../../simulator/target.ts';
import { createCompute } from './compute.ts';
import { CONTROL_PREFIX, control } from './control.ts';
import { misbehave } from './misbehave.ts';
import { createRealtimeServer, refuse } from './realtime.ts';
import { respond } from './respond.ts';

/** How a simulator is started. Everything has a default but the address. */
export interface StartOptions extends Partial<SimulatorOptions> {
  /** Address to listen on; not used with `socketPath`. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Listens on a Unix socket instead, as vLLM's `--uds` does. */
  readonly socketPath?: string;
  /** Speaks TLS: PEM texts of certificate chain and key. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Keeps the bodies of requests, for tests. */
  readonly keepBodies?: boolean;
  readonly clock?: Clock;
}

/** A simulator that listens. */
export interface RunningSimulator {
  /** Where it answers, such as `http://127.0.0.1:8000`, or `unix:` and the path. */
  readonly url: string;
  readonly port: number;
  /** What reached it, oldest first; the control requests of tests excepted. */
  received(): readonly ReceivedRequest[];
  clearReceived(): void;
  /** Requests whose answers have not ended. */
  running(): number;
  /** What its engine does; with `maxNumSeqs`. */
  load(): EngineLoad;
  /** Connections that are open. */
  connections(): number;
  misbehave(order: MisbehaviourOrder): void;
  clearMisbehaviours(): void;
  /** Forgets the responses that were stored, as a restart does. */
  forgetResponses(): void;
  /** Cuts all connections and stops listening. */
  close(): Promise<void>;
}

/**
 * Starts a vLLM that answers without a GPU.
 *
 * @throws Error of `listen` (`EADDRINUSE`, `EACCES`) where it cannot listen
 */
export async function startSimulator(start: StartOptions): Promise<RunningSimulator> {
  const options: SimulatorOptions = { ...defaultSimulatorOptions, ...start };
  const clock = start.clock ?? systemClock;
  const log = createReceivedLog(start.keepBodies ?? false);
  const orders = createOrders();
  const responses = createResponseStore();
  const sockets = new Set<Socket>();
  const compute = options.maxNumSeqs === undefined ? undefined : createCompute(options.maxNumSeqs, options, clock);
  let serial = 0;
  const loadNow = (): EngineLoad =>
    compute?.load() ?? { running: log.running(), waiting: 0, peak: 0, queries: serial, hits: 0 };

  function handle(req: IncomingMessage, res: ServerResponse): void {
    if (req.url?.startsWith(CONTROL_PREFIX) === true) {
      readBody(req, (body) =>
        control({ res, log, peak: loadNow().peak, orders, method: req.method ?? '', path: req.url ?? '', body }),
      );
      return;
    }
    const entry = log.head(req.method ?? '', req.url ?? '', req.rawHeaders);
    const { socket } = req;
    // vLLM takes a half-closed connection for a closed one and answers nothing.
    const onPeerEnd = (): void => {
      entry.end(!res.writableFinished);
      res.destroy();
    };
    socket.once('end', onPeerEnd);
    res.on('close', () => {
      socket.off('end', onPeerEnd);
      entry.end(!res.writableFinished);
    });
    const path = (req.url ?? '').split('?')[0] ?? '';
    const order = orders.take(req.method ?? '', path);
    if (order?.kind === 'no-read') return;
    readBody(req, (body) => {
      entry.body(body);
      const request = { method: req.method ?? '', target: req.url ?? '', headers: headersOf(req), body };
      const state = { serial: ++serial, load: loadNow(), nowMs: clock.nowMs(), responses };
      const plan = answerRequest(request, options, state);
      const sending = { clock, chunkIntervalMs: options.chunkIntervalMs, entry };
      if (order !== undefined) misbehave(order, { res, socket, plan, sending });
      else if (compute === undefined || plan.status !== 200 || !GENERATING.has(path)) respond(res, plan, sending);
      else compute.run(res, body, plan, (computed) => respond(res, computed, sending));
    });
  }

  const server =
    start.tls === undefined ? createServer(LIKE_UVICORN) : createTlsServer({ ...LIKE_UVICORN, ...start.tls });
  const takeRealtime = createRealtimeServer();
  server.on('request', handle);
  server.on('upgrade', (request: IncomingMessage, connection: Socket, rest: Buffer) => {
    const target = request.url ?? '';
    const path = pathOfTarget(target);
    const entry = log.head(request.method ?? '', target, request.rawHeaders);
    const asked = { method: request.method ?? '', target, headers: headersOf(request), body: Buffer.alloc(0) };
    connection.on('error', () => connection.destroy());
    if (isWithoutKey(asked, path, options.apiKey)) return refuse({ connection, entry }, 401);
    // As Starlette refuses a WebSocket where there is none.
    if (path !== '/v1/realtime') return refuse({ connection, entry }, 403);
    const order = orders.take('GET', path);
    const { models, chunkIntervalMs } = options;
    const id = String(++serial);
    takeRealtime({ request, connection, rest, entry, order, models, id, clock, chunkIntervalMs });
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    // A client that has gone away sent nothing that is wrong.
    const isReset = error.code === 'ECONNRESET';
    if (!isReset) log.malformed();
    if (socket.writable && !isReset) socket.end(invalidRequest(clock.nowMs()));
    else socket.destroy();
  });
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('close', () => sockets.delete(socket));
  });
  await listen(server, start);
  const address = server.address();
  const port = isInet(address) ? address.port : 0;
  const scheme = start.tls === undefined ? 'http' : 'https';
  return {
    url: start.socketPath === undefined ? `${scheme}://${urlHost(start.host)}:${port}` : `unix:${start.socketPath}`,
    port,
    received: () => log.list(),
    clearReceived: () => log.clear(),
    running: () => log.running(),
    load: loadNow,
    connections: () => sockets.size,
    misbehave: (order) => orders.add(misbehaviourFrom(order)),
    clearMisbehaviours: () => orders.clear(),
    forgetResponses: () => responses.clear(),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function readBody(req: IncomingMessage, done: (body: Buffer) => void): void {
  const chunks: Buffer[] = [];
  req.on('data', (chunk: Buffer) => chunks.push(chunk));
  req.on('end', () => done(Buffer.concat(chunks)));
  req.on('error', () => undefined); // a body that is cut ends with the connection, which `close` of the answer tells
}

function headersOf(req: IncomingMessage): Map<string, string> {
  const headers = new Map<string, string>();
  for (let i = 0; i < req.rawHeaders.length; i += 2) {
    const name = (req.rawHeaders[i] ?? '').toLowerCase();
    if (!headers.has(name)) headers.set(name, req.rawHeaders[i + 1] ?? '');
  }
  return headers;
}

function listen(server: Server, { host, port, socketPath }: StartOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.once('listening', resolve);
    if (socketPath === undefined) server.listen(port, host);
    else server.listen(socketPath);
  });
}

function isInet(address: AddressInfo | string | null): address is AddressInfo {
  return typeof address === 'object' && address !== null;
}

/** The routes that the engine computes. */
const GENERATING = new Set(['/v1/chat/completions', '/v1/completions', '/v1/messages', '/v1/responses']);

/** As the recorded server: no time limit for a request, idle connections closed after 5 s, large heads taken. */
const LIKE_UVICORN = {
  requestTimeout: 0,
  headersTimeout: 0,
  keepAliveTimeout: 5_000,
  maxHeaderSize: 4_194_304,
  shouldUpgradeCallback: ({ method, headers }: IncomingMessage) =>
    method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket',
};
/** What uvicorn answers to bytes that are no request. */
const invalidRequest = (nowMs: number): string =>
  `HTTP/1.1 400 Bad Request\r\ndate: ${new Date(nowMs).toUTCString()}\r\nserver: uvicorn\r\n` +
  'content-type: text/plain; charset=utf-8\r\ncontent-length: 30\r\nconnection: close\r\n\r\n' +
  'Invalid HTTP request received.';
