import { BODY, chunk, chunked, KEY } from '../message.ts';
import { accepted, broken, refused, type Vector } from '../vector.ts';

const SOURCE = 'RFC 9110 §6.5.1';

const trailers = (id: string, lines: readonly string[], claim: string, more: Partial<Vector> = {}): Vector => ({
  id: `trailer-${id}`,
  claim,
  source: SOURCE,
  bytes: chunked(`${chunk(BODY)}0\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`),
  verdict: accepted,
  ...more,
});

/** Trailers are read for their end and then forgotten. */
export const trailersAfterChunks: readonly Vector[] = [
  trailers('length', ['Content-Length: 5'], 'a length in the trailers is refused', {
    probes: ['SMUG-TRAILER-CL'],
    verdict: broken,
  }),
  trailers('coding', ['Transfer-Encoding: chunked'], 'a coding in the trailers is refused', {
    probes: ['SMUG-TRAILER-TE'],
    verdict: broken,
  }),
  trailers('host', ['Host: other.example'], 'a host in the trailers routes nothing', { probes: ['SMUG-TRAILER-HOST'] }),
  trailers('authorization', ['Authorization: Bearer sp_forged'], 'a credential in the trailers is none', {
    probes: ['SMUG-TRAILER-AUTH'],
  }),
  trailers('content-type', ['Content-Type: text/plain'], 'a media type in the trailers changes nothing', {
    probes: ['SMUG-TRAILER-CONTENT-TYPE'],
  }),
  trailers(
    'priority',
    ['X-Vllm-Priority: -100', 'X-Request-Id: forged'],
    'headers that vLLM obeys are dropped from the trailers',
  ),
  {
    id: 'trailer-credential-only',
    claim: 'a credential that comes only in the trailers is none',
    source: SOURCE,
    bytes: chunked(`${chunk(BODY)}0\r\nAuthorization: Bearer ${KEY}\r\n\r\n`, { auth: '' }),
    verdict: refused([401], { code: 'missing_credential' }),
  },
  trailers('announced', ['X-Late: 1'], 'a trailer that was announced is dropped, too', {
    bytes: chunked(`${chunk(BODY)}0\r\nX-Late: 1\r\n\r\n`, { headers: ['Trailer: X-Late'] }),
  }),
  trailers('no-colon', ['X-Late'], 'a trailer without colon is refused', { verdict: broken }),
  trailers('space-before-colon', ['X-Late : 1'], 'a trailer with a space before its colon is refused', {
    verdict: broken,
  }),
  trailers('folded', ['X-Late: 1', ' 2'], 'a folded trailer is refused', { verdict: broken }),
  trailers('nul', ['X-Late: a\0b'], 'a NUL in a trailer is refused', { verdict: broken }),
  trailers('lone-lf', ['X-Late: a\nX: b'], 'a lone line feed in a trailer is refused', { verdict: broken }),
  trailers('request', ['GET /sleep HTTP/1.1', 'Host: x'], 'a request in the trailers is refused', { verdict: broken }),
  trailers('endless', [`X-Late: ${'a'.repeat(100_000)}`], 'an endless trailer is refused', {
    verdict: refused([400, 413, 431, 'close'], { next: 'closed' }),
  }),
];
