import type { AccessRecords } from '../../src/directory/store.ts';
import { AnyExchange, newUsage, type Facts, type Principal } from '../../src/kernel/exchange.ts';
import { SCOPES } from '../../src/kernel/scope.ts';
import type { Downstream, Upstream, UpstreamListener, UpstreamRequest } from '../../src/kernel/transport.ts';

/** A peer in memory: what was sent to it, and what it can do. */
export interface FakeDownstream extends Downstream {
  status: number | undefined;
  headers: Map<string, string>;
  body: string;
  isEnded: boolean;
  isDestroyed: boolean;
  /** It has gone already. */
  isGone: boolean;
  /** The next writes find the buffer full. */
  isFull: boolean;
  /** An answer has not left until `flush`. */
  isSlow: boolean;
  /** Bytes of the body that are kept. */
  kept: number;
  /** Bytes of an answer that are held. */
  heldAnswer: number;
  /** There is memory for bodies that grow. */
  hasRoomForBodies: boolean;
  /** There is memory for answers that are collected. */
  hasRoomForAnswers: boolean;
  drain(): void;
  flush(): void;
  /** @param isCut it was sent away for what it left unread */
  disconnect(isCut?: boolean): void;
}

/** A peer that reads all that it is sent. */
export function fakeDownstream(): FakeDownstream {
  let onDrain: () => void = () => undefined;
  let onDisconnect: (isCut: boolean) => void = () => undefined;
  let onSent: () => void = () => undefined;
  const peer: FakeDownstream = {
    head: { method: 'POST', target: '/v1/chat/completions', httpVersion: '1.1', rawHeaders: [] },
    peerAddress: '192.0.2.1',
    isPeerUnknown: false,
    certificate: undefined,
    isEncrypted: false,
    status: undefined,
    headers: new Map(),
    body: '',
    isEnded: false,
    isDestroyed: false,
    isGone: false,
    isFull: false,
    isSlow: false,
    kept: 0,
    hasRoomForBodies: true,
    hasRoomForAnswers: true,
    heldAnswer: 0,
    keepBody: (bytes) => void (peer.kept = bytes),
    growBody(bytes) {
      if (peer.hasRoomForBodies) peer.kept += bytes;
      return peer.hasRoomForBodies;
    },
    holdAnswer(bytes) {
      if (peer.hasRoomForAnswers) peer.heldAnswer += bytes;
      return peer.hasRoomForAnswers;
    },
    keepAnswer: (bytes) => void (peer.heldAnswer = Math.min(peer.heldAnswer, bytes)),
    readBody: () => Promise.resolve({ kind: 'body', bytes: Buffer.from('') }),
    writeHead(status, headers) {
      if (peer.status !== undefined) throw new Error('a second head');
      peer.status = status;
      for (let i = 0; i < headers.length; i += 2) peer.headers.set(headers[i] ?? '', headers[i + 1] ?? '');
    },
    answer(status, headers, body) {
      peer.writeHead(status, headers, Buffer.byteLength(body));
      if (peer.head.method !== 'HEAD') peer.body += body;
      peer.end();
      if (!peer.isSlow) onSent();
    },
    write(bytes) {
      peer.body += bytes.toString();
      return !peer.isFull;
    },
    end() {
      if (peer.isEnded) throw new Error('a second end');
      peer.isEnded = true;
    },
    destroy: () => void (peer.isDestroyed = true),
    onDrain: (run) => void (onDrain = run),
    onDisconnect(run) {
      onDisconnect = run;
      if (peer.isGone) run(false);
    },
    onSent: (run) => void (onSent = run),
    upgrade: () => {
      throw new Error('this peer does not switch');
    },
    flush: () => onSent(),
    drain: () => onDrain(),
    disconnect: (isCut = false) => onDisconnect(isCut),
  };
  return peer;
}

/** One call that an upstream in memory has got. */
export interface FakeCall {
  readonly request: UpstreamRequest;
  readonly listener: UpstreamListener;
  isAborted: boolean;
  resumes: number;
}

/** An upstream in memory; tests speak through the listeners of its calls. */
export function fakeUpstream(): Upstream & { readonly calls: FakeCall[] } {
  const calls: FakeCall[] = [];
  return {
    calls,
    send(request, listener) {
      const call: FakeCall = { request, listener, isAborted: false, resumes: 0 };
      calls.push(call);
      return { abort: () => void (call.isAborted = true), resume: () => void call.resumes++ };
    },
    close: () => undefined,
  };
}

/** What a thread knows before anybody has made anything. */
export const NO_RECORDS: AccessRecords = { tenants: [], apiKeys: [], roles: [], groups: [], policies: [], owners: [] };

/** A principal that may do everything. */
export const alice: Principal = {
  id: 'key:Alice0',
  keyId: 'Alice0',
  token: undefined,
  marks: ['key:Alice0'],
  tenant: 'default',
  owner: undefined,
  roles: [],
  groups: [],
  scopes: new Set(SCOPES),
  models: new Set(['*']),
  limits: {},
  pools: [],
  grants: new Set(),
  caps: {},
  onBehalfOf: undefined,
  member: undefined,
};

/** An exchange with all facts, and some of them other than usual. */
export function exchange(downstream: Downstream, change: Partial<Facts>): AnyExchange & Facts {
  const facts: Facts = {
    head: { method: 'POST', path: '/v1/chat/completions', headers: new Map(), hasBody: true, isUpgrade: false },
    peer: { address: '192.0.2.1', network: '192.0.2.1' },
    principal: alice,
    requestLimits: { kind: 'spent', standings: [], holds: [] },
    upgrade: {
      handshake: { key: 'AAAAAAAAAAAAAAAAAAAAAA==', protocol: undefined },
      socketLimit: { kind: 'spent', standings: [], holds: [] },
    },
    route: {
      id: 'chat-completions',
      family: 'chat',
      method: 'POST',
      path: '/v1/chat/completions',
      scope: 'inference:chat',
    },
    request: {
      model: 'tiny',
      body: { model: 'tiny' },
      isStream: false,
      wantsUsage: false,
      adjusted: [],
      output: undefined,
    },
    model: 'tiny',
    sentBody: change.request?.body ?? { model: 'tiny' },
    usage: newUsage(),
    tokenLimits: { spent: { kind: 'spent', standings: [], holds: [] }, outputTokens: undefined },
    ...change,
  };
  return Object.assign(new AnyExchange('id-1', 0, downstream, false), facts);
}
