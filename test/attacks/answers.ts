/** One answer as a strict HTTP/1.1 client reads it. */
export interface Answer {
  readonly status: number;
  /** Lines of the head after the status line, names in lower case. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

/**
 * Cuts everything that came on a connection into answers (RFC 9112 §6.3). Interim answers are skipped.
 *
 * @param bytes Latin-1 text; the connection has ended after it
 * @param methods of the requests in their order: the answer to HEAD has no body
 * @throws Error where the bytes are no sequence of whole answers
 */
export function parseAnswers(bytes: string, methods: readonly string[]): Answer[] {
  const answers: Answer[] = [];
  let rest = bytes;
  while (rest !== '') {
    const end = rest.indexOf('\r\n\r\n');
    const [statusLine = '', ...lines] = rest.slice(0, Math.max(0, end)).split('\r\n');
    const [, code = ''] = /^HTTP\/1\.1 (\d{3})(?: [^\r\n]*)?$/.exec(statusLine) ?? [];
    if (end < 0 || code === '') throw new Error(`not an answer: ${JSON.stringify(rest.slice(0, 200))}`);
    const status = Number(code);
    rest = rest.slice(end + 4);
    if (status < 200) {
      if (status === 101) throw new Error('the protocol was switched');
      continue;
    }
    const headers = lines.map((line): [string, string] => {
      const colon = line.indexOf(':');
      if (colon <= 0) throw new Error(`not a header: ${JSON.stringify(line)}`);
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    });
    const isBodiless = methods[answers.length] === 'HEAD' || status === 204 || status === 304;
    const [body, after] = isBodiless ? ['', rest] : cutBody(rest, new Map(headers));
    answers.push({ status, headers, body });
    rest = after;
  }
  return answers;
}

function cutBody(rest: string, headers: ReadonlyMap<string, string>): [body: string, after: string] {
  if (headers.get('transfer-encoding') === 'chunked') return cutChunks(rest);
  const length = headers.get('content-length');
  if (length === undefined) return [rest, ''];
  const bytes = Number(length);
  if (!(rest.length >= bytes)) throw new Error('an answer is shorter than its Content-Length');
  return [rest.slice(0, bytes), rest.slice(bytes)];
}

function cutChunks(rest: string): [body: string, after: string] {
  let body = '';
  let at = 0;
  for (;;) {
    const lineEnd = rest.indexOf('\r\n', at);
    const size = rest.slice(at, lineEnd);
    if (lineEnd < 0 || !/^[0-9a-f]+$/i.test(size)) throw new Error('an answer has a broken chunk');
    const from = lineEnd + 2;
    const bytes = Number.parseInt(size, 16);
    at = from + bytes + 2;
    if (rest.slice(at - 2, at) !== '\r\n') throw new Error('an answer has a chunk without end');
    if (bytes === 0) return [body, rest.slice(at)];
    body += rest.slice(from, at - 2);
  }
}
