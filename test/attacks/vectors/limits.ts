import { BODY, chat } from '../message.ts';
import { accepted, badRequest, refused, type Vector } from '../vector.ts';

const FIELDS = 'RFC 9110 §5.4';
const tooLarge = refused([431, 'close'], { next: 'closed' });
const many = (count: number): string[] => Array.from({ length: count }, (_, i) => `X-${i}: 1`);
/** Host, Authorization, Content-Type and Content-Length. */
const OWN_HEADERS = 4;

/** A head of at most 16 KiB and 64 headers by default. */
export const limits: readonly Vector[] = [
  {
    id: 'limit-long-value',
    claim: 'a value of 100 kB is refused (vLLM would take it)',
    source: FIELDS,
    probes: ['MAL-LONG-HEADER-VALUE'],
    bytes: chat({ headers: [`X-Long: ${'a'.repeat(100_000)}`] }),
    verdict: tooLarge,
  },
  {
    id: 'limit-long-name',
    claim: 'a name of 100 kB is refused',
    source: FIELDS,
    probes: ['MAL-LONG-HEADER-NAME'],
    bytes: chat({ headers: [`X-${'a'.repeat(100_000)}: 1`] }),
    verdict: tooLarge,
  },
  {
    id: 'limit-long-target',
    claim: 'a target of 100 kB is refused',
    source: 'RFC 9112 §3',
    probes: ['MAL-LONG-URL'],
    bytes: chat({ path: `/v1/chat/completions?${'a'.repeat(100_000)}` }),
    verdict: refused([414, 431, 'close'], { next: 'closed' }),
  },
  {
    id: 'limit-long-target-ok',
    claim: 'a target of 7,900 characters is read',
    source: 'RFC 9112 §3',
    probes: ['COMP-LONG-URL-OK'],
    bytes: chat({ path: `/v1/chat/completions?${'a'.repeat(7_900)}` }),
    verdict: accepted,
  },
  {
    id: 'limit-long-cookie',
    claim: 'a cookie of 64 kB is refused',
    source: FIELDS,
    probes: ['COOK-OVERSIZED'],
    bytes: chat({ headers: [`Cookie: a=${'b'.repeat(65_536)}`] }),
    verdict: tooLarge,
  },
  {
    id: 'limit-headers-at-limit',
    claim: '64 headers are accepted',
    source: 'contract, listen.maxHeaders',
    bytes: chat({ headers: many(64 - OWN_HEADERS) }),
    verdict: accepted,
  },
  {
    id: 'limit-headers-over-limit',
    claim: '65 headers are refused',
    source: 'contract, listen.maxHeaders',
    bytes: chat({ headers: many(65 - OWN_HEADERS) }),
    verdict: refused([431], { code: 'headers_too_large', next: 'closed' }),
  },
  {
    id: 'limit-headers-thousands',
    claim: 'thousands of headers are refused',
    source: FIELDS,
    probes: ['MAL-MANY-HEADERS'],
    bytes: chat({ headers: many(10_000) }),
    verdict: tooLarge,
  },
  {
    id: 'limit-hidden-behind-count',
    claim: 'a framing header behind 2,000 others is not overlooked',
    source: 'parsers that drop headers beyond a count (CVE-2020-8287 and kin)',
    bytes: chat({ headers: [...Array.from({ length: 2_000 }, () => 'a:'), 'Transfer-Encoding: chunked'] }),
    verdict: refused([400, 431, 'close'], { next: 'closed' }),
  },
  {
    id: 'limit-hidden-behind-names',
    claim: 'a second Host behind 60 headers is not overlooked',
    source: 'RFC 9112 §3.2',
    bytes: chat({ headers: [...many(50), 'Host: other.example'] }),
    verdict: badRequest,
  },
  {
    id: 'limit-body-at-once',
    claim: 'a body that is longer than its limit is refused though it comes at once',
    source: 'RFC 9110 §15.5.14',
    bytes: chat({ body: `${BODY}${' '.repeat(200_000)}` }),
    verdict: refused([413, 'close'], { code: 'body_too_large', next: 'closed' }),
  },
];
