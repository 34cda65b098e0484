import type { AnyExchange, TokenFacts } from '../../kernel/exchange.ts';
import type { Outcome } from '../../kernel/stage.ts';
import { printable, withoutSecrets } from '../../wire/printable.ts';

/** Form of the log. */
export type LogFormat = 'json' | 'text';

/** What a line tells of an exchange, as far as it came. */
export type LoggedExchange = Pick<
  AnyExchange,
  | 'requestId'
  | 'startedAtMs'
  | 'trace'
  | 'head'
  | 'peer'
  | 'principal'
  | 'refused'
  | 'route'
  | 'model'
  | 'request'
  | 'usage'
> & { readonly downstream: { readonly head: { readonly method: string }; readonly peerAddress: string } };

/** An exchange whose head could not be read. */
export function unreadExchange(requestId: string, startedAtMs: number, peerAddress: string): LoggedExchange {
  const nothing = undefined;
  return {
    requestId,
    startedAtMs,
    downstream: { head: { method: '' }, peerAddress },
    trace: nothing,
    head: nothing,
    peer: nothing,
    principal: nothing,
    refused: nothing,
    route: nothing,
    model: nothing,
    request: nothing,
    usage: nothing,
  };
}

/**
 * The line of one request: who, what, how it ended; never what was said. JSON escapes every control character,
 * so that no caller's text can begin a line of its own.
 */
export function requestLine(x: LoggedExchange, outcome: Outcome, format: LogFormat): string {
  const level = outcome.kind === 'fault' ? 'error' : outcome.kind === 'denial' ? 'warn' : 'info';
  const put = format === 'json' ? jsonField : textField;
  // Made or checked by us: nothing in them could need escaping.
  const putOwn = format === 'json' ? ownJsonField : ownTextField;
  let line =
    format === 'json'
      ? `{"level":"${level}","time":${x.startedAtMs},"event":"request"`
      : `${new Date(x.startedAtMs).toISOString()} ${level} request`;
  line += putOwn('requestId', x.requestId);
  const callerId = x.head?.headers.get('x-request-id');
  if (callerId !== undefined) line += put('callerRequestId', withoutSecrets(printable(callerId, 128)));
  if (x.trace !== undefined) line += putOwn('traceId', x.trace.traceId);
  line += put('address', x.peer?.address ?? x.downstream.peerAddress);
  const whose = x.principal ?? x.refused;
  if (whose !== undefined) {
    const { keyId, token, tenant } = whose;
    if (keyId !== undefined) line += putOwn('key', keyId);
    if (token !== undefined) line += tokenFields(token, x.startedAtMs, put, putOwn);
    line += put('tenant', tenant);
  }
  if (x.principal?.member !== undefined) line += put('member', x.principal.member);
  if (x.route === undefined) {
    line +=
      put('method', printable(x.downstream.head.method, 16)) +
      put('path', withoutSecrets(printable(x.head?.path ?? '', 256)));
  } else {
    line += putOwn('method', x.route.method) + putOwn('route', x.route.id);
  }
  if (x.model !== undefined) line += put('model', printable(x.model, 256));
  line += putOwn('status', outcome.status);
  if (outcome.code !== undefined) line += putOwn('code', outcome.code);
  if (outcome.why !== undefined) line += put('why', outcome.why);
  line += putOwn('outcome', outcome.kind);
  if (outcome.upstream !== undefined) line += putOwn('upstream', outcome.upstream);
  if (x.request !== undefined) line += putOwn('stream', x.request.isStream);
  if (x.usage?.promptTokens !== undefined) line += putOwn('promptTokens', x.usage.promptTokens);
  if (x.usage?.completionTokens !== undefined) line += putOwn('completionTokens', x.usage.completionTokens);
  line += putOwn('durationMs', round(outcome.durationMs));
  if (outcome.firstByteMs !== undefined) line += putOwn('firstByteMs', round(outcome.firstByteMs));
  return format === 'json' ? `${line}}\n` : `${line}\n`;
}

/** Which token it was, for reviews and for who has to revoke it; never the token, nor what names it to its issuer. */
function tokenFields(token: TokenFacts, nowMs: number, put: Field, putOwn: Field): string {
  let fields = put('issuer', printable(token.issuer, 256)) + put('subject', printable(token.subject, 256));
  if (token.clientId !== undefined) fields += put('client', printable(token.clientId, 256));
  fields += putOwn('token', token.tokenHash);
  if (token.issuedAtMs !== undefined) {
    fields += putOwn('tokenAgeS', Math.max(0, Math.floor((nowMs - token.issuedAtMs) / 1000)));
  }
  return fields + putOwn('binding', token.binding);
}

type Field = (name: string, value: string | number | boolean) => string;

const ownJsonField: Field = (name, value) =>
  typeof value === 'string' ? `,"${name}":"${value}"` : `,"${name}":${value}`;

const ownTextField: Field = (name, value) => ` ${name}=${value}`;

/** Built by hand, for each request pays for it; only what could need escaping goes through JSON. */
const jsonField: Field = (name, value) =>
  typeof value !== 'string' || PLAIN.test(value)
    ? `,"${name}":${typeof value === 'string' ? `"${value}"` : value}`
    : `,"${name}":${JSON.stringify(value)}`;

const textField: Field = (name, value) =>
  typeof value !== 'string' || PLAIN.test(value) ? ` ${name}=${value}` : ` ${name}=${JSON.stringify(value)}`;

/** `2026-11-24T10:00:00.000Z info request key=… status=200 …`, values quoted where they are not plain. */
export function textLine(line: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const { level, time, event, ...rest } = line;
  let out = `${new Date(Number(time)).toISOString()} ${level} ${event}`;
  for (const [name, value] of Object.entries(rest)) {
    if (value === undefined) continue;
    const text = String(value);
    out += ` ${name}=${PLAIN.test(text) ? text : JSON.stringify(text)}`;
  }
  return out;
}

const PLAIN = /^[A-Za-z0-9._:/@+-]+$/;

const round = (ms: number): number => Math.round(ms * 100) / 100;

/** Lines that wait to be handed over together. */
export interface LineBatch {
  add(line: string): void;
  /** What waits now, UTF-8, in memory of its own that may be transferred; empties the batch. Undefined where nothing waits. */
  take(): Uint8Array<ArrayBuffer> | undefined;
  /** Lines that were dropped because too many waited. */
  dropped(): number;
}

/** @param maxBytes bytes that may wait; beyond it lines are dropped and counted, never the traffic held up */
export function createLineBatch(maxBytes: number): LineBatch {
  let buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  let used = 0;
  let dropped = 0;

  function grow(needed: number): boolean {
    if (used + needed > maxBytes) return false;
    const larger = Buffer.allocUnsafeSlow(Math.min(maxBytes, Math.max(buffer.length * 2, used + needed)));
    buffer.copy(larger, 0, 0, used);
    buffer = larger;
    return true;
  }

  return {
    add(line) {
      // A line is mostly ASCII, but each character may take three bytes.
      if (used + line.length * 3 > buffer.length && !grow(line.length * 3)) {
        dropped++;
        return;
      }
      used += buffer.write(line, used);
    },
    take() {
      if (used === 0) return undefined;
      const taken = new Uint8Array(buffer.subarray(0, used));
      used = 0;
      return taken;
    },
    dropped: () => dropped,
  };
}

const FIRST_BYTES = 256 * 1024;
