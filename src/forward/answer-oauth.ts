import type { Exchange, Has } from '../kernel/exchange.ts';
import { deny, reasons, type Denial, type ReasonCode } from '../kernel/reasons.ts';
import type { Forward } from '../kernel/stage.ts';
import type { Downstream, Upstream, UpstreamHead } from '../kernel/transport.ts';
import { responseHeaders, sendDenial } from '../wire/answer.ts';
import { BodyBuffer } from '../wire/body-buffer.ts';

/** What of a request goes on to the authorization server. Nothing else of a caller's head does. */
const REQUEST_HEADERS = [
  'authorization',
  'content-type',
  'accept',
  'accept-language',
  'cookie',
  'dpop',
  'origin',
  'user-agent',
  'sec-fetch-site',
  'sec-fetch-mode',
  'sec-fetch-dest',
];
/** What of its answers goes back, besides its cookies. */
const RESPONSE_HEADERS = [
  'content-type',
  'location',
  'www-authenticate',
  'dpop-nonce',
  'retry-after',
  'pragma',
  'clear-site-data',
  'x-frame-options',
];
const MAX_BODY_BYTES = 64 * 1024;
const MAX_ANSWER_BYTES = 1024 * 1024;

/** What handing over works with. */
export interface AnswerOAuthDeps {
  /** The authorization server, behind a socket that only this user can open. */
  readonly server: Upstream;
  /** Name of the header in which it is told who asks; no caller's header can have it. */
  readonly originHeader: string;
  /** What it is told. */
  readonly originText: (x: Exchange & Has<'peer'>) => string;
  /** Name of the header in which its cookies come, as a JSON list. */
  readonly cookiesHeader: string;
}

/** Hands a request over to the authorization server, read and bounded like all others, and its answer back. */
export function createAnswerOAuth(deps: AnswerOAuthDeps): Forward<'head' | 'peer'> {
  return (x, _, done, onFault) => {
    const { downstream, head } = x;
    const refuse = (denial: Denial, kind: 'denial' | 'fault' = 'denial'): void => {
      sendDenial({ ...x, requestLimits: undefined }, denial);
      end(kind, reasons[denial.code].status, denial.code);
    };
    const end = (kind: 'answer' | 'denial' | 'fault' | 'abort', status: number, code?: ReasonCode): void =>
      done({ kind, status, code, firstByteMs: undefined, upstream: undefined });
    if (head.method !== 'GET' && head.method !== 'HEAD' && head.method !== 'POST') {
      return refuse(deny('method_not_allowed', { allow: 'GET, HEAD, POST' }));
    }
    readForm(downstream, head.hasBody).then((body) => {
      if ('code' in body) return refuse(body);
      send(body.bytes);
    }, onFault);

    function send(body: Buffer | undefined): void {
      let status = 0;
      let headers: string[] = [];
      let isOver = false;
      const answer = new BodyBuffer(() => true, MAX_ANSWER_BYTES);
      const call = deps.server.send(
        {
          method: head.method === 'POST' ? 'POST' : 'GET',
          path: `${head.path}${queryOf(downstream.head.target)}`,
          headers: [deps.originHeader, deps.originText(x), ...pick(REQUEST_HEADERS, (name) => head.headers.get(name))],
          body: head.method === 'POST' ? (body ?? Buffer.alloc(0)) : undefined,
        },
        {
          head(said) {
            status = said.status;
            headers = headersOf(x, said);
          },
          chunk(bytes) {
            if (answer.length + bytes.length <= MAX_ANSWER_BYTES) return answer.add(bytes);
            call.abort();
            isOver = true;
            refuse(deny('internal_error'), 'fault');
            return false;
          },
          end() {
            if (isOver) return;
            isOver = true;
            downstream.keepBody(0);
            downstream.answer(status, headers, answer.bytes().toString());
            end(status >= 500 ? 'fault' : 'answer', status);
          },
          fault() {
            if (isOver) return;
            isOver = true;
            refuse(deny('overloaded'), 'fault');
          },
        },
      );
      downstream.onDisconnect(() => {
        if (isOver) return;
        isOver = true;
        call.abort();
        end('abort', 499);
      });
    }

    function headersOf(open: Exchange, said: UpstreamHead): string[] {
      const all = responseHeaders({ ...open, requestLimits: undefined });
      // A page says itself what it may load; all else loads nothing.
      const policy = said.header('content-security-policy');
      if (policy !== undefined) all[all.indexOf('content-security-policy') + 1] = policy;
      all.push(...pick(RESPONSE_HEADERS, (name) => said.header(name)));
      const cookies = said.header(deps.cookiesHeader);
      for (const cookie of cookies === undefined ? [] : (JSON.parse(cookies) as string[]))
        all.push('set-cookie', cookie);
      return all;
    }
  };
}

async function readForm(downstream: Downstream, hasBody: boolean): Promise<{ bytes: Buffer | undefined } | Denial> {
  if (!hasBody) return { bytes: undefined };
  const read = await downstream.readBody(MAX_BODY_BYTES);
  switch (read.kind) {
    case 'body':
      return { bytes: read.bytes };
    case 'too-large':
      return deny('body_too_large');
    case 'timeout':
      return deny('request_timeout');
    case 'no-room':
      return deny('overloaded');
    case 'broken':
      return deny('invalid_request');
  }
}

/** The query of a request target with its question mark, or nothing. */
function queryOf(target: string): string {
  const at = target.indexOf('?');
  return at < 0 ? '' : target.slice(at).replace(/#.*$/s, '');
}

function pick(names: readonly string[], valueOf: (name: string) => string | undefined): string[] {
  return names.flatMap((name) => {
    const value = valueOf(name);
    // What a header may not hold of bytes beyond ASCII was never meant for us.
    return value === undefined || /[^\t\x20-\x7e]/.test(value) ? [] : [name, value];
  });
}
