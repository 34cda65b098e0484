import { bare, chat } from '../message.ts';
import { accepted, answered, badRequest, broken, refused, type Vector } from '../vector.ts';

const path = (id: string, spelling: string, claim: string, source: string, more: Partial<Vector> = {}): Vector => ({
  id: `path-${id}`,
  claim,
  source,
  bytes: chat({ path: spelling }),
  verdict: badRequest,
  ...more,
});

const NORMAL = 'RFC 3986 §6.2.2';
/** Refused before its body is read, so that the connection may end. */
const unknown = refused([404], { code: 'unknown_route' });

/** A route has one spelling; vLLM itself decodes some of the others (`%2f`, `%61`) and would find its route. */
export const pathSpelling: readonly Vector[] = [
  path('encoded-slash', '/v1/chat%2fcompletions', 'an encoded slash is refused: vLLM would decode it', NORMAL),
  path('encoded-slash-upper', '/v1/chat%2Fcompletions', 'an encoded slash in upper case is refused', NORMAL),
  path('encoded-first-slash', '/%2fv1/chat/completions', 'an encoded slash after the first one is refused', NORMAL),
  path('encoded-letter', '/v1/ch%61t/completions', 'an encoded letter is refused: vLLM would decode it', NORMAL),
  path('encoded-prefix', '/%76%31/chat/completions', 'an encoded /v1 is refused', NORMAL),
  path('encoded-dot', '/v1/%2e/chat/completions', 'an encoded dot segment is refused', NORMAL),
  path('encoded-dots', '/v1/%2e%2e/sleep', 'two encoded dots are refused', NORMAL),
  path('half-encoded-dots', '/v1/.%2e/sleep', 'a dot segment of which one dot is encoded is refused', NORMAL),
  path('encoded-backslash', '/v1/chat%5ccompletions', 'an encoded backslash is refused', NORMAL),
  path('encoded-semicolon', '/v1/chat%3bx/completions', 'an encoded semicolon is refused', NORMAL),
  path('encoded-question-mark', '/v1/chat/completions%3fx', 'an encoded question mark is refused', NORMAL),
  path('encoded-hash', '/v1/chat/completions%23', 'an encoded hash is refused', NORMAL, {
    verdict: refused([400, 404]),
  }),
  path('encoded-percent', '/v1/chat%252fcompletions', 'a doubly encoded slash is refused', NORMAL),
  path('encoded-nul', '/v1/chat/completions%00', 'an encoded NUL is refused', NORMAL),
  path('encoded-crlf', '/v1/chat/completions%0d%0aX:%20y', 'an encoded line break is refused', NORMAL),
  path('encoded-space', '/v1/chat/completions%20', 'an encoded space at the end is refused', NORMAL, {
    verdict: refused([400, 404]),
  }),
  path('encoded-tab', '/v1/chat/%09completions', 'an encoded tab is refused', NORMAL),
  path('encoded-overlong-slash', '/v1/chat%c0%afcompletions', 'an overlong slash is refused', 'RFC 3629 §3', {
    probes: ['MAL-URL-OVERLONG-UTF8'],
  }),
  path('encoded-overlong-dots', '/v1/%c0%ae%c0%ae/sleep', 'overlong dots are refused', 'RFC 3629 §3'),
  path('encoded-overlong-3', '/v1/chat%e0%80%afcompletions', 'a three-byte overlong slash is refused', 'RFC 3629 §3', {
    verdict: refused([400, 404]),
  }),
  path('encoded-invalid-utf8', '/v1/chat/completions%ff', 'an escape that is no UTF-8 is refused', 'RFC 3629 §3'),
  path('encoded-fullwidth-slash', '/v1/chat%ef%bc%8fcompletions', 'a full-width slash is no slash', NORMAL, {
    verdict: refused([400, 404]),
  }),
  path('encoded-fullwidth-dots', '/v1/%ef%bc%8e%ef%bc%8e/sleep', 'full-width dots are no dots', NORMAL, {
    verdict: refused([400, 404]),
  }),
  path('bad-escape', '/v1/chat/completions%', 'a lone percent sign is refused', 'RFC 3986 §2.1'),
  path('bad-escape-digit', '/v1/chat/completions%2', 'half of an escape is refused', 'RFC 3986 §2.1'),
  path('bad-escape-letters', '/v1/chat%zzcompletions', 'an escape without hex digits is refused', 'RFC 3986 §2.1'),
  path('bad-escape-unicode', '/v1/chat%u002fcompletions', 'an escape of the %u kind is refused', 'RFC 3986 §2.1'),
  path('double-slash', '/v1//chat/completions', 'an empty segment is refused', NORMAL),
  path('double-slash-first', '//v1/chat/completions', 'an empty first segment is refused', NORMAL),
  path('double-slash-last', '/v1/chat/completions//', 'empty segments at the end are refused', NORMAL),
  path('dot-segment', '/v1/./chat/completions', 'a dot segment is refused', 'RFC 3986 §5.2.4'),
  path('dot-segments', '/x/../v1/chat/completions', 'a segment of two dots is refused', 'RFC 3986 §5.2.4'),
  path('dot-segments-last', '/v1/chat/completions/..', 'two dots at the end are refused', 'RFC 3986 §5.2.4'),
  path('dot-segments-escape', '/v1/../../sleep', 'dots that lead out of the root are refused', 'RFC 3986 §5.2.4'),
  path('dot-semicolon', '/v1/..;/sleep', 'two dots with a parameter are refused', 'known from servlet containers'),
  path('three-dots', '/v1/.../sleep', 'three dots are a name that no route has', 'RFC 3986 §5.2.4', {
    verdict: unknown,
  }),
  path('semicolon', '/v1/chat/completions;x=1', 'a path parameter is refused', 'RFC 3986 §3.3'),
  path(
    'semicolon-jsessionid',
    '/v1/chat;jsessionid=1/completions',
    'a path parameter inside is refused',
    'RFC 3986 §3.3',
  ),
  path('backslash', '/v1\\chat\\completions', 'a backslash is refused', 'RFC 3986 §2', {
    probes: ['MAL-URL-BACKSLASH'],
  }),
  path('backslash-dots', '/v1/..\\sleep', 'dots with a backslash are refused', 'RFC 3986 §2'),
  path('fragment', '/v1/chat/completions#x', 'a fragment is refused', 'RFC 9112 §3.2', {
    probes: ['RFC9112-3.2-FRAGMENT-IN-TARGET'],
  }),
  path('non-ascii', '/v1/ch\xe4t/completions', 'a byte beyond ASCII is refused', 'RFC 3986 §2', {
    probes: ['MAL-NON-ASCII-URL'],
    verdict: broken,
  }),
  path('control-character', '/v1/chat\x01/completions', 'a control character is refused', 'RFC 3986 §2', {
    verdict: broken,
  }),
  path('delete-character', '/v1/chat\x7f/completions', 'DEL is refused', 'RFC 3986 §2', { verdict: broken }),
  path('brackets', '/v1/chat/completions[0]', 'brackets in the path are refused', 'RFC 3986 §3.3'),
  path('quote', '/v1/chat/completions"', 'a quotation mark is refused', 'RFC 3986 §2'),
  path('trailing-slash', '/v1/chat/completions/', 'a trailing slash is another path: vLLM would redirect', NORMAL, {
    verdict: refused([400, 404], { next: 'either' }),
  }),
  path('upper-case', '/V1/chat/completions', 'upper case is another path', NORMAL, { verdict: unknown }),
  path('upper-case-last', '/v1/chat/Completions', 'upper case at the end is another path', NORMAL, {
    verdict: unknown,
  }),
  path('suffix', '/v1/chat/completions.json', 'a suffix is another path', NORMAL, { verdict: unknown }),
  path('matrix-at', '/v1/chat/completions@upstream', 'an at sign is part of another path', NORMAL, {
    verdict: unknown,
  }),
  path('query', '/v1/chat/completions?beta=true', 'a query is dropped, as SDKs send one', 'RFC 3986 §3.4', {
    verdict: accepted,
  }),
  path(
    'query-with-path',
    '/v1/chat/completions?/../../sleep',
    'what looks like a path in a query is dropped',
    'RFC 3986 §3.4',
    {
      verdict: accepted,
    },
  ),
  path('query-second', '/v1/chat/completions??a=b?c', 'further question marks belong to the query', 'RFC 3986 §3.4', {
    verdict: accepted,
  }),
  path(
    'query-line-break',
    '/v1/chat/completions?a=%0d%0aX-Smuggled:%201',
    'an encoded line break in a query reaches nobody',
    'RFC 3986 §3.4',
    {
      probes: ['MAL-URL-PERCENT-CRLF'],
      verdict: accepted,
    },
  ),
  {
    id: 'path-closed-route',
    claim: 'a closed route of vLLM stays closed however valid the key',
    source: 'contract, public listener',
    bytes: chat({ path: '/score' }),
    verdict: refused([403], { code: 'route_closed' }),
  },
  {
    id: 'path-closed-route-without-body',
    claim: 'a development route of vLLM stays closed',
    source: 'contract, public listener',
    bytes: bare('POST /sleep HTTP/1.1', ['Content-Length: 0']),
    verdict: refused([403], { code: 'route_closed', next: 'answered' }),
  },
  {
    id: 'path-metrics-prefix',
    claim: "vLLM's prefix match on /metrics opens nothing",
    source: 'vLLM 0.32.0, recorded',
    bytes: bare('GET /metricsfoo HTTP/1.1'),
    verdict: refused([403, 404], { next: 'answered' }),
  },
  {
    id: 'path-health-spelling',
    claim: 'health answers under exactly one spelling',
    source: 'contract, public listener',
    bytes: bare('GET /healthz/ HTTP/1.1'),
    verdict: refused([400, 404], { next: 'either' }),
  },
  {
    id: 'path-health-dots',
    claim: 'health is no way around the credential',
    source: 'contract, public listener',
    bytes: 'POST /healthz/../v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n',
    verdict: badRequest,
  },
  {
    id: 'path-well-known-dots',
    claim: 'the well-known paths are no way around the credential',
    source: 'RFC 8615 §3',
    bytes: 'POST /.well-known/../v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n',
    verdict: badRequest,
  },
  {
    id: 'path-empty-query-health',
    claim: 'a query on health is ignored',
    source: 'contract, public listener',
    bytes: 'GET /healthz?x=1 HTTP/1.1\r\nHost: a\r\n\r\n',
    verdict: answered([200]),
  },
];
