import { BODY, chat, KEY } from '../message.ts';
import { accepted, badRequest, broken, type Vector } from '../vector.ts';

const NAME = 'RFC 9110 §5.1';
const VALUE = 'RFC 9110 §5.5';
const FOLD = 'RFC 9112 §5.2';
const LINE = 'RFC 9112 §2.2';

const header = (id: string, line: string, claim: string, source: string, more: Partial<Vector> = {}): Vector => ({
  id: `header-${id}`,
  claim,
  source,
  bytes: chat({ headers: [line] }),
  verdict: broken,
  ...more,
});

/** Names are tokens, values are text, lines end with CRLF. */
export const headerSyntax: readonly Vector[] = [
  header('space-before-colon', 'X-Test : 1', 'a space before the colon is refused with 400', 'RFC 9112 §5.1', {
    probes: ['RFC9110-5.6.2-SP-BEFORE-COLON'],
    verdict: badRequest,
  }),
  header('tab-before-colon', 'X-Test\t: 1', 'a tab before the colon is refused with 400', 'RFC 9112 §5.1', {
    verdict: badRequest,
  }),
  header('empty-name', ': empty', 'an empty name is refused', NAME, { probes: ['RFC9112-5-EMPTY-HEADER-NAME'] }),
  header('no-colon', 'X-Test', 'a line without colon is refused', 'RFC 9112 §5', {
    probes: ['RFC9112-5-HEADER-NO-COLON'],
  }),
  header('brackets-in-name', 'X[Test]: 1', 'a name with brackets is refused', NAME, {
    probes: ['RFC9112-5-INVALID-HEADER-NAME'],
  }),
  header('tab-in-name', 'X\tTest: 1', 'a name with a tab is refused', NAME, { probes: ['NORM-TAB-IN-NAME'] }),
  header('space-in-name', 'X Test: 1', 'a name with a space is refused', NAME),
  header('non-ascii-name', 'X-T\xebst: 1', 'a name beyond ASCII is refused', NAME, {
    probes: ['MAL-NON-ASCII-HEADER-NAME'],
  }),
  header('nul-in-name', 'X-Te\0st: 1', 'a NUL in a name is refused', NAME),
  header('slash-in-name', 'X/Test: 1', 'a slash in a name is refused', NAME),
  header('quote-in-name', '"X-Test": 1', 'a quoted name is refused', NAME),
  header('nul-in-value', 'X-Test: a\0b', 'a NUL in a value is refused', VALUE, { probes: ['MAL-NUL-IN-HEADER-VALUE'] }),
  header('control-in-value', 'X-Test: a\x01\x02\x08b', 'control characters in a value are refused', VALUE, {
    probes: ['MAL-CONTROL-CHARS-HEADER'],
  }),
  header('delete-in-value', 'X-Test: a\x7fb', 'DEL in a value is refused', VALUE),
  header('cr-in-value', 'X-Test: a\rb', 'a lone carriage return in a value is refused', LINE, {
    probes: ['SMUG-BARE-CR-HEADER-VALUE'],
  }),
  header('cr-as-line-end', 'X-Test: a\rTransfer-Encoding: chunked', 'a lone carriage return ends no line', LINE),
  header('lf-as-line-end', 'X-Test: a\nX-Other: b', 'a lone line feed ends no line', LINE),
  header('lf-hides-framing', 'X-Test: a\nTransfer-Encoding: chunked', 'a lone line feed hides no framing', LINE),
  header('cr-cr-lf', 'X-Test: a\r', 'two carriage returns before the line feed are refused', LINE),
  header('vertical-tab-in-value', 'X-Test: a\x0bb', 'a vertical tab in a value is refused', VALUE),
  header('escape-in-value', 'X-Test: \x1b[2J', 'a terminal escape in a value is refused', VALUE),
  header('obs-fold', 'X-Test: a\r\n b', 'a folded line is refused with 400', FOLD, {
    probes: ['RFC9112-5.1-OBS-FOLD'],
    verdict: badRequest,
  }),
  header('obs-fold-tab', 'X-Test: a\r\n\tb', 'a line folded with a tab is refused with 400', FOLD, {
    verdict: badRequest,
  }),
  header('obs-fold-hides-framing', 'X-Test: a\r\n Transfer-Encoding: chunked', 'a folded line hides no framing', FOLD, {
    verdict: badRequest,
  }),
  header('obs-fold-empty', 'X-Test:\r\n \r\n  b', 'a line that is folded twice is refused', FOLD, {
    verdict: badRequest,
  }),
  {
    id: 'header-whitespace-before-first',
    claim: 'whitespace before the first header is refused',
    source: LINE,
    probes: ['COMP-WHITESPACE-BEFORE-HEADERS'],
    bytes: chat({ first: [' X-Test: 1'] }),
    verdict: broken,
  },
  {
    id: 'header-whitespace-hides-host',
    claim: 'a Host behind whitespace does not replace the other one',
    source: LINE,
    bytes: chat({ first: [' Host: other.example'] }),
    verdict: broken,
  },
  {
    id: 'header-obs-fold-host',
    claim: 'a folded Host is refused',
    source: FOLD,
    bytes: chat({ host: 'Host:\r\n gateway.example' }),
    verdict: badRequest,
  },
  {
    id: 'header-obs-fold-authorization',
    claim: 'a folded credential is refused',
    source: FOLD,
    bytes: chat({ auth: `Authorization: Bearer\r\n ${KEY}` }),
    verdict: badRequest,
  },
  {
    id: 'header-lf-ends-head',
    claim: 'two lone line feeds do not end the head',
    source: LINE,
    bytes: chat().replace('\r\n\r\n', '\n\n'),
    verdict: broken,
  },
  {
    id: 'header-lf-cr-lf-ends-head',
    claim: 'a lone line feed before the empty line does not end the head',
    source: LINE,
    bytes: chat().replace('\r\n\r\n', '\n\r\n'),
    verdict: broken,
  },
  {
    id: 'header-crlf-lf-ends-head',
    claim: 'a lone line feed is no empty line',
    source: LINE,
    bytes: chat().replace('\r\n\r\n', '\r\n\n'),
    verdict: broken,
  },
  {
    id: 'header-space-line-ends-head',
    claim: 'a line of one space is no empty line',
    source: LINE,
    bytes: chat().replace('\r\n\r\n', '\r\n \r\n'),
    verdict: broken,
  },
  {
    id: 'header-all-lf',
    claim: 'a message that ends all its lines with line feeds is refused',
    source: LINE,
    bytes: chat().replaceAll('\r\n', '\n'),
    verdict: broken,
  },
  header('empty-value', 'X-Test:', 'an empty value is a value', VALUE, { verdict: accepted }),
  header('no-space-after-colon', 'X-Test:1', 'no space after the colon is needed', 'RFC 9112 §5', {
    verdict: accepted,
  }),
  header('tab-around-value', 'X-Test:\t1\t', 'tabs around a value are no part of it', 'RFC 9110 §5.6.3', {
    verdict: accepted,
  }),
  header('high-bytes-in-value', 'X-Test: \xe4\xff', 'opaque bytes in a value that nobody reads do no harm', VALUE, {
    verdict: accepted,
  }),
  header('underscore-names', 'X_Request_Id: forged', 'a name with underscores stands for no other header', NAME, {
    verdict: accepted,
  }),
  {
    id: 'header-names-in-other-case',
    claim: 'names are compared without regard to case',
    source: NAME,
    probes: ['NORM-CASE-TE'],
    bytes: chat({ type: 'CONTENT-TYPE: application/json', auth: `aUTHORIZATION: bearer ${KEY}` }),
    verdict: accepted,
  },
  {
    id: 'header-internal-names',
    claim: 'headers that vLLM obeys never come from a caller',
    source: 'vLLM 0.32.0, recorded',
    bytes: chat({
      headers: [
        'X-Vllm-Priority: -100',
        'X-data-parallel-rank: 7',
        'X-Session-ID: stolen',
        'endpoint-load-metrics-format: json',
        'X-Amzn-SageMaker-Adapter-Identifier: secret',
        'traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
        'Cookie: session=1',
        'Proxy-Authorization: Basic eDp5',
        'Range: bytes=0-1',
      ],
    }),
    probes: ['COMP-RANGE-POST'],
    verdict: accepted,
  },
  {
    id: 'header-connection-names-framing',
    claim: 'a Connection header that names Content-Length or a credential takes neither away',
    source: 'RFC 9110 §7.6.1',
    bytes: chat({ headers: ['Connection: keep-alive, Content-Length, Authorization, Content-Type'] }),
    verdict: accepted,
  },
  {
    id: 'header-body-is-not-head',
    claim: 'header lines in the body are body',
    source: 'RFC 9112 §6',
    bytes: chat({ body: `${BODY}\r\n\r\nX-Test: 1` }),
    verdict: { kind: 'refused', statuses: [400], code: 'invalid_json', next: 'answered' },
  },
];
