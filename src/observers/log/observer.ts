import type { AnyExchange } from '../../kernel/exchange.ts';
import type { Outcome } from '../../kernel/stage.ts';

/** Form of the log. */
export type LogFormat = 'json' | 'text';

/**
 * The line of one request: who, what, how it ended; never what was said. JSON escapes every control character,
 * so that no caller's text can begin a line of its own.
 */
export function requestLine(x: AnyExchange, outcome: Outcome, format: LogFormat): string {
  const callerId = x.head?.headers.get('x-request-id');
  const line = {
    level: outcome.kind === 'fault' ? 'error' : outcome.kind === 'denial' ? 'warn' : 'info',
    time: x.startedAtMs,
    event: 'request',
    requestId: x.requestId,
    callerRequestId: callerId === undefined ? undefined : printable(callerId, 128),
    address: x.peer?.address ?? x.downstream.peerAddress,
    key: x.principal?.keyId,
    tenant: x.principal?.tenant,
    method: printable(x.downstream.head.method, 16),
    route: x.route?.id,
    path: x.route === undefined ? printable(x.head?.path ?? '', 256) : undefined,
    model: x.model,
    status: outcome.status,
    code: outcome.code,
    outcome: outcome.kind,
    upstream: outcome.upstream,
    stream: x.request?.isStream,
    promptTokens: x.usage?.promptTokens,
    completionTokens: x.usage?.completionTokens,
    durationMs: round(outcome.durationMs),
    firstByteMs: outcome.firstByteMs === undefined ? undefined : round(outcome.firstByteMs),
  };
  return format === 'json' ? `${JSON.stringify(line)}\n` : `${textLine(line)}\n`;
}

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

/** Printable ASCII only: terminals and log viewers act on the rest. */
const printable = (text: string, max: number): string => text.slice(0, max).replace(/[^\x20-\x7e]/g, '?');

const round = (ms: number): number => Math.round(ms * 100) / 100;

/** Lines that wait to be handed over together. */
export interface LineBatch {
  add(line: string): void;
  /** What waits now; empties it. */
  take(): string;
  /** Lines that were dropped because too many waited. */
  dropped(): number;
}

/** @param maxBytes characters that may wait; beyond it lines are dropped and counted, never the traffic held up */
export function createLineBatch(maxBytes: number): LineBatch {
  let lines = '';
  let dropped = 0;
  return {
    add(line) {
      if (lines.length + line.length > maxBytes) dropped++;
      else lines += line;
    },
    take() {
      const taken = lines;
      lines = '';
      return taken;
    },
    dropped: () => dropped,
  };
}
