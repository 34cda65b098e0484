import type { Exchange, LimitStanding, Spent, TokenLimits } from '../kernel/exchange.ts';
import type { Denial } from '../kernel/reasons.ts';
import { renderDenial, renderStreamError } from './render.ts';

/** An exchange that can be answered, as far as it came. */
export type Answerable = Exchange & {
  readonly requestLimits: Spent | undefined;
  readonly tokenLimits?: TokenLimits | undefined;
};

/** Headers that every answer on the public listener carries, names and values in turn. */
export function responseHeaders(x: Answerable, standings = standingsOf(x)): string[] {
  const headers = [
    'x-request-id',
    x.requestId,
    'x-content-type-options',
    'nosniff',
    'cache-control',
    'no-store',
    'content-security-policy',
    "default-src 'none'; frame-ancestors 'none'",
    'referrer-policy',
    'no-referrer',
  ];
  // Only over TLS: RFC 6797 §7.2 forbids it on plain connections.
  if (x.downstream.isEncrypted) headers.push('strict-transport-security', 'max-age=31536000');
  if (x.allowedOrigin !== undefined) {
    headers.push('access-control-allow-origin', x.allowedOrigin, 'vary', 'Origin');
    headers.push(
      'access-control-expose-headers',
      'x-request-id, retry-after, x-sallyport-adjusted, www-authenticate, dpop-nonce',
    );
  }
  if (standings.length > 0) {
    pushLimitLists(headers, standings);
    pushOpenAiLimits(headers, standings);
    if (x.surface === 'anthropic') pushAnthropicLimits(headers, standings, x.startedAtMs);
  }
  return headers;
}

function standingsOf({ requestLimits, tokenLimits }: Answerable): readonly LimitStanding[] {
  const requests = requestLimits?.standings ?? [];
  return tokenLimits === undefined ? requests : [...requests, ...tokenLimits.spent.standings];
}

/** Answers with a refusal in the form of its surface. */
export function sendDenial(x: Answerable, denial: Denial, close = false): void {
  const { status, headers, body } = renderDenial(denial, x.surface, x.requestId, x.offer);
  const refused = denial.standings ?? [];
  const others = standingsOf(x).filter(({ name }) => refused.every((one) => one.name !== name));
  const all = responseHeaders(x, [...refused, ...others]);
  for (const part of headers) all.push(part);
  x.downstream.answer(status, all, body, close);
}

/**
 * Ends a running stream with the error event of its surface.
 *
 * @param eventsBefore events of the stream until now
 */
export function endStreamWith(x: Answerable, denial: Denial, eventsBefore: number): void {
  x.downstream.write(renderStreamError(denial, x.surface, x.requestId, eventsBefore));
  x.downstream.end();
}

/** `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers). */
function pushLimitLists(headers: string[], standings: readonly LimitStanding[]): void {
  if (standings.length > MOST_LISTED) return pushLimitLists(headers, nearest(standings));
  let policy = '';
  let state = '';
  for (const { name, limit, remaining, windowS, resetMs } of standings) {
    const separator = policy === '' ? '' : ', ';
    policy += `${separator}"${name}";q=${limit}${windowS > 0 ? `;w=${windowS}` : ''}`;
    state += `${separator}"${name}";r=${remaining}${windowS > 0 ? `;t=${Math.ceil(resetMs / 1000)}` : ''}`;
  }
  headers.push('ratelimit-policy', policy, 'ratelimit', state);
}

/** More make heads that clients do not read. */
const MOST_LISTED = 24;

/** Those that are nearest to their end. */
const nearest = (standings: readonly LimitStanding[]): readonly LimitStanding[] =>
  standings.toSorted((a, b) => a.remaining / a.limit - b.remaining / b.limit).slice(0, MOST_LISTED);

/** The names that OpenAI's SDK users know. */
function pushOpenAiLimits(headers: string[], standings: readonly LimitStanding[]): void {
  for (const { name, limit, remaining, resetMs } of standings) {
    if (!isOwn(name)) continue;
    headers.push(
      `x-ratelimit-limit-${name}`,
      String(limit),
      `x-ratelimit-remaining-${name}`,
      String(remaining),
      `x-ratelimit-reset-${name}`,
      resetText(resetMs),
    );
  }
}

/** The names that Anthropic's SDK users know; a reset is a time there (RFC 3339). */
function pushAnthropicLimits(headers: string[], standings: readonly LimitStanding[], nowMs: number): void {
  for (const { name, limit, remaining, resetMs } of standings) {
    if (!isOwn(name)) continue;
    headers.push(
      `anthropic-ratelimit-${name}-limit`,
      String(limit),
      `anthropic-ratelimit-${name}-remaining`,
      String(remaining),
      `anthropic-ratelimit-${name}-reset`,
      new Date(Math.ceil((nowMs + resetMs) / 1000) * 1000).toISOString().replace('.000Z', 'Z'),
    );
  }
}

/** Whether SDKs have headers for it: those of the caller's own limits, whatever others there are. */
const isOwn = (name: string): boolean => name === 'requests' || name === 'tokens';

/** A duration as OpenAI writes it: `120ms`, `6s`, `1m30s`. */
function resetText(ms: number): string {
  if (ms < 1000) return `${Math.ceil(ms)}ms`;
  const seconds = Math.ceil(ms / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}
