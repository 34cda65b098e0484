/** Stands for an API key in the bytes of a vector, and is as long as one. */
export const KEY = `sp_VECTOR_${'k'.repeat(38)}`;

/** What the prompts of a vector's own request, of a smuggled one and of the marker begin with. */
export const MEANT = 'meant';
export const SMUGGLED = 'smuggled';

/** A chat body as the gateway wants it. */
export const chatBody = (prompt: string, rest = ''): string =>
  `{"model":"tiny","messages":[{"role":"user","content":"${prompt}"}],"max_tokens":8${rest}}`;

/** The body of the meant request. */
export const BODY = chatBody(MEANT);

/** How a chat request differs from a plain one. Every part is raw: what it holds is sent as it stands. */
export interface ChatParts {
  /** The whole request line. */
  readonly line?: string;
  /** Path in a request line that is otherwise plain. */
  readonly path?: string;
  /** The Host line; `''` for none. */
  readonly host?: string;
  /** The line of the credential; `''` for none. */
  readonly auth?: string;
  /** The line of the media type; `''` for none. */
  readonly type?: string;
  /** The lines that frame the body; by default the right Content-Length. */
  readonly framing?: readonly string[];
  /** Lines before Host. */
  readonly first?: readonly string[];
  /** Lines at the end of the head. */
  readonly headers?: readonly string[];
  /** The body as it is on the wire. */
  readonly body?: string;
}

/** A chat request with a valid key, changed in the given parts. */
export function chat(parts: ChatParts = {}): string {
  const { body = BODY, host = 'Host: gateway.example', type = 'Content-Type: application/json' } = parts;
  const { auth = `Authorization: Bearer ${KEY}`, path = '/v1/chat/completions', first = [], headers = [] } = parts;
  const { line = `POST ${path} HTTP/1.1`, framing = [`Content-Length: ${body.length}`] } = parts;
  const lines = [line, ...first, host, auth, type, ...framing, ...headers].filter((text) => text !== '');
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}

/** A request without a body, with a valid key. */
export function bare(line: string, headers: readonly string[] = []): string {
  return [line, 'Host: gateway.example', `Authorization: Bearer ${KEY}`, ...headers, '', ''].join('\r\n');
}

/** A chat request whose body is chunked; `body` is the chunks as they are on the wire. */
export function chunked(body: string, parts: ChatParts = {}): string {
  return chat({ framing: ['Transfer-Encoding: chunked'], ...parts, body });
}

/** One chunk. */
export const chunk = (data: string, extension = ''): string => `${data.length.toString(16)}${extension}\r\n${data}\r\n`;

/** What ends chunks without trailers. */
export const LAST_CHUNK = '0\r\n\r\n';

/** The meant body in one chunk, whole. */
export const CHUNKS = chunk(BODY) + LAST_CHUNK;

/** A whole request with a valid key that must never be executed when it lies inside of another message. */
export const SMUGGLED_REQUEST = chat({ body: chatBody(SMUGGLED) });
