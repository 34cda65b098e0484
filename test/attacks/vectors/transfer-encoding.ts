import { bare, chat, chatBody, CHUNKS, MEANT, SMUGGLED_REQUEST } from '../message.ts';
import { accepted, badRequest, broken, brokenBehind, refused, type Vector } from '../vector.ts';

const SOURCE = 'RFC 9112 §6.1';
const LIST = 'RFC 9110 §5.6.1';

/** A transfer coding that is not plain `chunked`: the body's end is unknown, so nothing behind it is believed. */
const unknownCoding = refused([400, 501, 'close'], { next: 'closed' });

const coding = (id: string, value: string, claim: string, more: Partial<Vector> = {}): Vector => ({
  id: `coding-${id}`,
  claim,
  source: SOURCE,
  bytes: chat({ framing: [`Transfer-Encoding: ${value}`], body: CHUNKS }),
  verdict: unknownCoding,
  ...more,
});

/** How a body is coded: `chunked`, once, and nothing else. */
export const transferEncoding: readonly Vector[] = [
  coding('xchunked', 'xchunked', 'an unknown coding whose name ends in chunked is refused', {
    probes: ['SMUG-TE-XCHUNKED'],
  }),
  coding('unknown', 'brotli', 'an unknown coding is refused', { probes: ['COMP-UNKNOWN-TE-501'] }),
  coding('gzip', 'gzip', 'a coding that is not chunked at its end is refused', {
    probes: ['SMUG-TE-NOT-FINAL-CHUNKED'],
  }),
  coding('gzip-chunked', 'gzip, chunked', 'a coding that we do not undo is refused even before chunked'),
  coding('chunked-gzip', 'chunked, gzip', 'chunked that is not the last coding is refused', {
    probes: ['SMUG-TE-NOT-FINAL-CHUNKED'],
  }),
  coding('chunked-twice', 'chunked, chunked', 'chunked twice is refused', { probes: ['SMUG-TE-DOUBLE-CHUNKED'] }),
  coding('identity', 'identity', 'the identity coding, which is no more, is refused', { probes: ['SMUG-TE-IDENTITY'] }),
  coding('identity-chunked', 'identity, chunked', 'identity before chunked is refused'),
  coding('chunked-identity', 'chunked, identity', 'identity after chunked is refused'),
  coding('empty', '', 'an empty coding is refused', { probes: ['SMUG-TE-EMPTY-VALUE'] }),
  coding('comma', ',', 'a list of nothing is refused', { source: LIST }),
  coding('trailing-comma', 'chunked,', 'an empty member after chunked is refused', {
    source: LIST,
    probes: ['SMUG-TE-TRAILING-COMMA'],
  }),
  coding('leading-comma', ', chunked', 'an empty member before chunked is refused', {
    source: LIST,
    probes: ['SMUG-TE-LEADING-COMMA'],
  }),
  coding('parameter', 'chunked;q=1', 'chunked with a parameter is refused', {
    source: 'RFC 9112 §7',
    probes: ['SMUG-CHUNKED-WITH-PARAMS'],
  }),
  coding('quoted', '"chunked"', 'a quoted coding is refused'),
  coding('trailing-letters', 'chunkedx', 'letters after chunked are refused'),
  coding('inner-space', 'chun ked', 'a space inside of chunked is refused'),
  coding('vertical-tab', '\x0bchunked', 'a vertical tab before chunked is refused', { probes: ['SMUG-TE-VTAB'] }),
  coding('form-feed', '\x0cchunked', 'a form feed before chunked is refused', { probes: ['SMUG-TE-FORMFEED'] }),
  coding('nul', 'chunked\0', 'a NUL after chunked is refused', { source: 'RFC 9110 §5.5', probes: ['SMUG-TE-NULL'] }),
  coding('carriage-return', '\rchunked', 'a lone carriage return before chunked is refused', {
    source: 'RFC 9112 §2.2',
  }),
  coding('no-break-space', '\xa0chunked', 'a no-break space before chunked is refused'),
  coding('soft-hyphen', 'chunk\xaded', 'a soft hyphen inside of chunked is refused'),
  coding('high-bit', '\xe3hunked', 'a letter with its high bit set is no other letter'),
  coding('folded', '\r\n chunked', 'a folded coding is refused', {
    source: 'RFC 9112 §5.2',
    probes: ['SMUG-TE-OBS-FOLD'],
    verdict: badRequest,
  }),
  coding('folded-tab', '\r\n\tchunked', 'a coding folded with a tab is refused', {
    source: 'RFC 9112 §5.2',
    verdict: badRequest,
  }),
  coding('folded-second', 'chunked\r\n , gzip', 'a second coding on a folded line is refused', {
    source: 'RFC 9112 §5.2',
    verdict: badRequest,
  }),
  {
    id: 'coding-space-before-colon',
    claim: 'a coding with a space before its colon is refused with 400',
    source: 'RFC 9112 §5.1',
    probes: ['SMUG-TE-SP-BEFORE-COLON'],
    bytes: chat({ framing: ['Transfer-Encoding : chunked'], body: CHUNKS }),
    verdict: badRequest,
  },
  {
    id: 'coding-tab-before-colon',
    claim: 'a coding with a tab before its colon is refused with 400',
    source: 'RFC 9112 §5.1',
    bytes: chat({ framing: ['Transfer-Encoding\t: chunked'], body: CHUNKS }),
    verdict: badRequest,
  },
  {
    id: 'coding-underscore-name',
    claim: 'Transfer_Encoding is no Transfer-Encoding: the length counts',
    source: 'RFC 9110 §5.1',
    probes: ['SMUG-TRANSFER_ENCODING', 'NORM-UNDERSCORE-TE'],
    bytes: chat({ headers: ['Transfer_Encoding: chunked'] }),
    verdict: accepted,
  },
  {
    id: 'coding-twice',
    claim: 'two lines of chunked are refused',
    source: SOURCE,
    bytes: chat({ framing: ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], body: CHUNKS }),
    verdict: unknownCoding,
  },
  {
    id: 'coding-twice-different',
    claim: 'chunked and identity on two lines with a length are refused',
    source: SOURCE,
    probes: ['SMUG-TE-DUPLICATE-HEADERS'],
    bytes: chat({
      framing: ['Transfer-Encoding: chunked', 'Transfer-Encoding: identity', `Content-Length: ${CHUNKS.length}`],
      body: CHUNKS,
    }),
    verdict: unknownCoding,
  },
  {
    id: 'coding-twice-smuggled',
    claim: 'two codings and a length free no request behind the last chunk',
    source: SOURCE,
    probes: ['SMUG-TE-DUPLICATE-HEADERS-SMUGGLED-GET'],
    bytes: chat({
      framing: [
        'Transfer-Encoding: chunked',
        'Transfer-Encoding: identity',
        `Content-Length: ${SMUGGLED_REQUEST.length + 5}`,
      ],
      body: `0\r\n\r\n${SMUGGLED_REQUEST}`,
    }),
    verdict: unknownCoding,
  },
  {
    id: 'coding-twice-in-other-case',
    claim: 'a second coding in other letters is refused',
    source: SOURCE,
    bytes: chat({ framing: ['Transfer-Encoding: chunked', 'TRANSFER-ENCODING: gzip'], body: CHUNKS }),
    verdict: unknownCoding,
  },
  {
    id: 'coding-http10',
    claim: 'an HTTP/1.0 request with a transfer coding is refused and its connection closed',
    source: SOURCE,
    probes: ['SMUG-TE-HTTP10'],
    bytes: chat({
      line: 'POST /v1/chat/completions HTTP/1.0',
      framing: ['Transfer-Encoding: chunked'],
      headers: ['Connection: keep-alive'],
      body: CHUNKS,
    }),
    verdict: unknownCoding,
  },
  {
    id: 'coding-http10-with-length',
    claim: 'a length does not save a transfer coding in HTTP/1.0',
    source: SOURCE,
    bytes: chat({
      line: 'POST /v1/chat/completions HTTP/1.0',
      framing: ['Transfer-Encoding: chunked', `Content-Length: ${CHUNKS.length}`],
      headers: ['Connection: keep-alive'],
      body: CHUNKS,
    }),
    verdict: unknownCoding,
  },
  {
    id: 'coding-upper-case',
    claim: 'chunked is known in any case',
    source: 'RFC 9112 §7',
    probes: ['SMUG-TE-CASE-MISMATCH', 'NORM-CASE-TE'],
    bytes: chat({ framing: ['TRANSFER-ENCODING: Chunked'], body: CHUNKS }),
    verdict: accepted,
  },
  {
    id: 'coding-whitespace',
    claim: 'whitespace before chunked is no part of it',
    source: 'RFC 9110 §5.6.3',
    probes: ['SMUG-TE-TAB-BEFORE-VALUE'],
    bytes: chat({ framing: ['Transfer-Encoding:\t chunked'], body: CHUNKS }),
    verdict: accepted,
  },
  {
    id: 'coding-whitespace-behind',
    claim: 'whitespace behind chunked is refused, for some parsers see another coding there',
    source: 'RFC 9112 §6.1',
    bytes: chat({ framing: ['Transfer-Encoding: chunked \t'], body: CHUNKS }),
    verdict: unknownCoding,
  },
  {
    id: 'coding-with-options-folded',
    claim: 'an OPTIONS with a folded coding and a length is refused like any other method',
    source: 'RFC 9112 §5.2',
    probes: ['SMUG-OPTIONS-TE-OBS-FOLD'],
    bytes: `${bare('OPTIONS /v1/chat/completions HTTP/1.1', ['Transfer-Encoding:\r\n chunked', 'Content-Length: 5'])}hello`,
    verdict: badRequest,
  },
  {
    id: 'coding-with-get',
    claim: 'a GET with chunks does not run what is in them',
    source: 'RFC 9110 §9.3.1',
    bytes:
      bare('GET /v1/models HTTP/1.1', ['Transfer-Encoding: chunked']) +
      `${SMUGGLED_REQUEST.length.toString(16)}\r\n${SMUGGLED_REQUEST}\r\n0\r\n\r\n`,
    verdict: { kind: 'answered', statuses: [200, 400], next: 'either' },
  },
  {
    id: 'coding-te-header',
    claim: 'a TE header asks for nothing that we send',
    source: 'RFC 9110 §10.1.4',
    bytes: chat({ headers: ['TE: trailers, gzip', 'Connection: TE'], body: chatBody(MEANT) }),
    verdict: accepted,
  },
  {
    id: 'coding-content-encoding',
    claim: 'a content coding is refused, for vLLM would ignore it',
    source: 'RFC 9110 §8.4',
    bytes: chat({ headers: ['Content-Encoding: gzip'] }),
    verdict: refused([415]),
  },
  {
    id: 'coding-bare-body',
    claim: 'chunked bytes without a coding header are no body',
    source: 'RFC 9112 §6.3',
    bytes: chat({ framing: [], body: CHUNKS }),
    verdict: brokenBehind(broken),
  },
];
