import type { ParsedHead, Surface } from '../kernel/exchange.ts';
import { deny, type Denial } from '../kernel/reasons.ts';
import type { RequestHead } from '../kernel/transport.ts';

/** What is accepted of a head beyond its syntax. */
export interface HeadRules {
  /** Most header fields. */
  readonly maxHeaders: number;
  /** Accepted `Host` values (lower case, with port where one is sent); empty accepts any well-formed one. */
  readonly hosts: ReadonlySet<string>;
}

/**
 * Judges a request head before anything else looks at it: one spelling of the path, no doubtful framing
 * (RFC 9112 §6), no duplicate of a header that decides something. Parsers of other servers read such
 * messages in other ways, which is what request smuggling lives on; so they are refused, never repaired.
 */
export function parseRequestHead(head: RequestHead, rules: HeadRules): ParsedHead | Denial {
  const target = parseTarget(head.target, head.method);
  if ('code' in target) return target;
  const { path } = target;

  const raw = head.rawHeaders;
  if (raw.length / 2 > rules.maxHeaders) return deny('headers_too_large');
  const headers = new Map<string, string>();
  for (let i = 0; i < raw.length; i += 2) {
    const name = (raw[i] ?? '').toLowerCase();
    const value = raw[i + 1] ?? '';
    // CGI-style gateways fold `_` into `-`: such a name could stand in for a header that we judged.
    if (name.includes('_')) continue;
    const before = headers.get(name);
    if (before !== undefined) {
      if (CREDENTIALS.has(name)) return deny('ambiguous_credential');
      if (SINGLE.has(name))
        return (DECIDES_FRAMING.has(name) ? doubtful : malformed)(`The ${name} header is sent twice. Send it once.`);
      // One list in the order of its lines (RFC 9110 §5.3). Taking the first line alone would believe the caller's own
      // X-Forwarded-For instead of what the proxy added below it.
      headers.set(name, `${before}, ${value}`);
      continue;
    }
    headers.set(name, value);
  }

  const host = headers.get('host');
  if (host === undefined) {
    if (head.httpVersion !== '1.0') return malformed('The Host header is missing (RFC 9112 §3.2).');
  } else if (!HOST.test(host)) {
    return malformed('The Host header is not a host and port (RFC 9110 §7.2).');
  }
  // Else the Host header and the absolute form could name two sites, of which each hop picks another.
  if (target.authority !== undefined && target.authority !== host?.toLowerCase()) {
    return doubtful('The request target names another host than the Host header (RFC 9112 §3.2.2).');
  }
  const isHealth = path === '/healthz' || path === '/readyz';
  if (rules.hosts.size > 0 && !isHealth && (host === undefined || !rules.hosts.has(host.toLowerCase()))) {
    return malformed('The Host header names no host of this gateway.');
  }

  const length = headers.get('content-length');
  const coding = headers.get('transfer-encoding');
  if (coding !== undefined) {
    // What we cannot decode ourselves we must not hand on as if we had (RFC 9112 §6.1).
    if (coding.toLowerCase() !== 'chunked') {
      return deny('not_implemented', {
        message: 'The only transfer coding that is understood is "chunked".',
        why: FRAMING,
      });
    }
    if (head.httpVersion === '1.0') return doubtful('HTTP/1.0 has no transfer codings (RFC 9112 §6.1).');
    if (length !== undefined) return doubtful('Content-Length and Transfer-Encoding are both sent (RFC 9112 §6.1).');
  }
  if (length !== undefined && !/^[0-9]{1,15}$/.test(length)) return doubtful('Content-Length is not a number.');

  const expect = headers.get('expect');
  if (expect !== undefined && expect.toLowerCase() !== '100-continue') return deny('expectation_failed');
  if (!KNOWN_METHODS.has(head.method)) return deny('not_implemented');

  return {
    method: head.method,
    path,
    headers,
    hasBody: coding !== undefined || (length !== undefined && !/^0+$/.test(length)),
    isUpgrade: headers.has('upgrade'),
  };
}

/** Which family of refusal bodies a path takes; usable for a target that is not well-formed, too. */
export function surfaceOf(path: string): Surface {
  if (path.startsWith('/v1/messages')) return 'anthropic';
  if (path.startsWith('/v1/responses')) return 'responses';
  if (path.startsWith('/oauth/')) return 'oauth';
  return 'openai';
}

/** As `surfaceOf`, for a target that was not judged. */
export const surfaceOfTarget = (target: string): Surface => surfaceOf(target.replace(/^https?:\/\/[^/]*/i, ''));

/** The path of a request target in its only accepted spelling, without query. */
function parseTarget(target: string, method: string): { path: string; authority: string | undefined } | Denial {
  if (target === '*' && method === 'OPTIONS') return { path: '*', authority: undefined };
  let rest = target;
  let authority: string | undefined;
  if (!rest.startsWith('/')) {
    const absolute = ABSOLUTE.exec(rest);
    if (absolute === null) return malformed('The request target is not a path.');
    authority = (absolute[1] ?? '').toLowerCase();
    rest = absolute[2] ?? '';
    if (rest === '' || rest.startsWith('?')) rest = `/${rest}`;
  }
  if (!TARGET.test(rest)) return malformed('The request target holds a character that a path cannot (RFC 3986 §3.3).');
  const queryAt = rest.indexOf('?');
  const path = queryAt < 0 ? rest : rest.slice(0, queryAt);
  if (DOUBTFUL.test(path))
    return malformed('The path is not in its plain spelling: no "//", dot segments, ";" or needless escapes.');
  return { path, authority };
}

const malformed = (message: string): Denial => deny('invalid_request', { message });

/** Why a head is refused that two servers could understand in two ways (`Denial.why`): no honest client sends one. */
export const FRAMING = 'framing';

const doubtful = (message: string): Denial => deny('invalid_request', { message, why: FRAMING });

const CREDENTIALS = new Set(['authorization', 'x-api-key']);
const SINGLE = new Set([
  'host',
  'content-length',
  'content-type',
  'content-encoding',
  'transfer-encoding',
  'expect',
  'upgrade',
  'origin',
  'x-request-id',
]);
const DECIDES_FRAMING = new Set(['host', 'content-length', 'transfer-encoding']);
const KNOWN_METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
const HOST = /^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252})|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?$/;
const ABSOLUTE = /^https?:\/\/([^/?#@\\]+)([/?].*)?$/i;
/** Characters of path and query (RFC 3986), `%` only before two hex digits. */
const TARGET = /^\/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/?]|%[0-9A-Fa-f]{2})*$/;
/** Empty and dot segments, `;`, and escapes of what need not or must not be escaped: unreserved characters, `/ \ % ;`,
 *  controls, and bytes that are no UTF-8 start or continuation. */
const DOUBTFUL =
  /\/\/|\/\.{1,2}(?:\/|$)|;|%(?:[01][0-9A-Fa-f]|7[Ff]|2[DdEeFf5]|3[0-9BbFf]|4[1-9A-Fa-f]|5[0-9AaCcFf]|6[1-9A-Fa-f]|7[0-9AaEe]|[Cc][01]|[Ff][5-9A-Fa-f])/;
