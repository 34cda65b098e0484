import { BODY, chat, CHUNKS, KEY } from '../message.ts';
import { accepted, badRequest, refused, type Vector } from '../vector.ts';

const SINGLE = 'RFC 9110 §5.3';
const CONTRACT = 'contract, credential';
const OTHER_KEY = `sp_OTHERK_${'o'.repeat(38)}`;
const ambiguous = refused([400], { code: 'ambiguous_credential' });

/** Headers that decide something are said once; of two, each hop would pick another. */
export const sensitiveDuplicates: readonly Vector[] = [
  {
    id: 'duplicate-authorization',
    claim: 'two different Authorization lines are refused',
    source: CONTRACT,
    bytes: chat({ headers: [`Authorization: Bearer ${OTHER_KEY}`] }),
    verdict: ambiguous,
  },
  {
    id: 'duplicate-authorization-same',
    claim: 'two equal Authorization lines are refused',
    source: CONTRACT,
    bytes: chat({ headers: [`Authorization: Bearer ${KEY}`] }),
    verdict: ambiguous,
  },
  {
    id: 'duplicate-authorization-case',
    claim: 'a second Authorization line in other letters is refused',
    source: CONTRACT,
    bytes: chat({ first: [`AUTHORIZATION: Bearer ${OTHER_KEY}`] }),
    verdict: ambiguous,
  },
  {
    id: 'duplicate-x-api-key',
    claim: 'two x-api-key lines are refused',
    source: CONTRACT,
    bytes: chat({ auth: `x-api-key: ${KEY}`, headers: [`X-Api-Key: ${OTHER_KEY}`] }),
    verdict: ambiguous,
  },
  {
    id: 'duplicate-credentials',
    claim: 'a credential in each of both headers that differ is refused',
    source: CONTRACT,
    bytes: chat({ headers: [`x-api-key: ${OTHER_KEY}`] }),
    verdict: ambiguous,
  },
  {
    id: 'duplicate-credentials-same',
    claim: 'the same credential in both headers is one credential',
    source: CONTRACT,
    bytes: chat({ headers: [`x-api-key: ${KEY}`] }),
    verdict: accepted,
  },
  {
    id: 'duplicate-authorization-list',
    claim: 'a list of credentials in one line is no credential',
    source: CONTRACT,
    bytes: chat({ auth: `Authorization: Bearer ${OTHER_KEY}, Bearer ${KEY}` }),
    verdict: refused([400, 401]),
  },
  {
    id: 'duplicate-authorization-two-spaces',
    claim: 'a credential behind two spaces is read in one way or refused',
    source: 'RFC 9110 §11.4',
    bytes: chat({ auth: `Authorization: Bearer  ${KEY}` }),
    verdict: refused([400, 401]),
  },
  {
    id: 'duplicate-content-type',
    claim: 'two different media types are refused',
    source: SINGLE,
    probes: ['COMP-DUPLICATE-CT'],
    bytes: chat({ headers: ['Content-Type: text/plain'] }),
    verdict: refused([400, 415]),
  },
  {
    id: 'duplicate-content-type-same',
    claim: 'two equal media types are refused',
    source: SINGLE,
    bytes: chat({ headers: ['content-type: application/json'] }),
    verdict: refused([400, 415]),
  },
  {
    id: 'duplicate-content-type-list',
    claim: 'a list of media types is refused',
    source: SINGLE,
    bytes: chat({ type: 'Content-Type: text/plain, application/json' }),
    verdict: refused([400, 415]),
  },
  {
    id: 'duplicate-content-encoding',
    claim: 'two content codings are refused',
    source: SINGLE,
    bytes: chat({ headers: ['Content-Encoding: identity', 'Content-Encoding: gzip'] }),
    verdict: refused([400, 415]),
  },
  {
    id: 'duplicate-x-request-id',
    claim: 'two request ids are refused',
    source: SINGLE,
    bytes: chat({ headers: ['X-Request-Id: a', 'X-Request-Id: b'] }),
    verdict: refused([400]),
  },
  {
    id: 'duplicate-x-request-id-one',
    claim: "a caller's request id goes to nobody",
    source: 'contract, response headers',
    bytes: chat({ headers: ['X-Request-Id: forged'] }),
    verdict: { ...accepted, lacks: ['x-request-id: forged'] },
  },
  {
    id: 'duplicate-origin',
    claim: 'two origins are refused',
    source: 'RFC 6454 §7.3',
    bytes: chat({ headers: ['Origin: https://app.example', 'Origin: https://evil.example'] }),
    verdict: badRequest,
  },
  {
    id: 'duplicate-length-and-coding-names',
    claim: 'length and coding under look-alike names change nothing',
    source: 'RFC 9110 §5.1',
    bytes: chat({ headers: ['X-Content-Length: 0', 'Content-Length-X: 0', 'X-Transfer-Encoding: chunked'] }),
    verdict: accepted,
  },
  {
    id: 'duplicate-harmless',
    claim: 'a header that decides nothing may come twice',
    source: SINGLE,
    bytes: chat({ headers: ['Accept: text/html', 'Accept: */*', 'X-Test: 1', 'X-Test: 2'] }),
    verdict: accepted,
  },
  {
    id: 'duplicate-length-after-coding',
    claim: 'a length that comes twice beside chunks is refused',
    source: 'RFC 9112 §6.1',
    bytes: chat({
      framing: ['Content-Length: 0', 'Transfer-Encoding: chunked', `Content-Length: ${BODY.length}`],
      body: CHUNKS,
    }),
    verdict: refused([400, 'close'], { next: 'closed' }),
  },
];
