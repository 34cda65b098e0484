import type { AnyExchange } from '../../kernel/exchange.ts';
import type { RequestRecord } from '../../kernel/record.ts';
import type { Outcome } from '../../kernel/stage.ts';
import type { TraceContext } from '../../kernel/trace.ts';
import { printable, withoutSecrets } from '../../wire/printable.ts';

/** What is read of an exchange for its record. */
export type RecordedExchange = Pick<
  AnyExchange,
  'requestId' | 'trace' | 'head' | 'peer' | 'principal' | 'refused' | 'route' | 'model' | 'request' | 'usage'
> & { readonly downstream: { readonly head: { readonly method: string }; readonly peerAddress: string } };

/**
 * A request's record as workers hand it over: a JSON array, its values in the order of `readRecordLine`, without newline.
 * Made by hand, for every request pays for it.
 *
 * @param endedAtMs milliseconds since the epoch
 * @param likeness of what was asked, 16 hexadecimal digits
 * @param hasContent what was said comes beside it
 */
export function recordLine(
  x: RecordedExchange,
  outcome: Outcome | 'begin',
  endedAtMs: number,
  likeness?: string,
  hasContent = false,
): string {
  const { route, usage } = x;
  const principal = x.principal ?? x.refused;
  const end = outcome === 'begin' ? BEGIN : outcome;
  const token = principal?.token;
  // Numbers, and words that are made or checked by us, need no escaping.
  let line = `[${endedAtMs},"${x.requestId}",${round(end.durationMs)},${numberOf(end.firstByteMs)},"${outcome === 'begin' ? 'begin' : end.kind}",${end.status}`;
  line += own(end.code) + given(end.why);
  line += given(x.peer?.address ?? x.downstream.peerAddress) + given(x.peer?.network ?? x.downstream.peerAddress);
  line += given(productOf(x.head?.headers.get('user-agent')));
  line += own(principal?.keyId);
  line +=
    token === undefined
      ? ',null,null,null,null'
      : given(token.issuer) + given(token.subject) + given(token.clientId) + own(token.tokenHash);
  line += given(principal?.tenant) + given(principal?.owner) + given(principal?.member);
  line +=
    route === undefined
      ? `${given(printable(x.downstream.head.method, 16))},null${given(withoutSecrets(printable(x.head?.path ?? '', 256)))}`
      : `${own(route.method)}${own(route.id)},""`;
  line += given(x.model === undefined ? undefined : printable(x.model, 256)) + given(end.upstream);
  line += `,${x.request?.isStream === true}`;
  line += `,${orNull(usage?.promptTokens)},${orNull(usage?.cachedTokens)},${orNull(usage?.completionTokens)}`;
  line += `,${orNull(logprobsOf(x))}${own(likeness)},${numberOf(end.workedMs)}`;
  line += x.trace === undefined ? ',null,null,null,null' : traceOf(x.trace);
  // The last one is `count`, of lines that stand for many.
  return hasContent ? `${line},"taken",null]` : `${line},null,null]`;
}

/** The same line as the record of so many that are alike. */
export const countedLine = (line: string, count: number): string => `${line.slice(0, -'null]'.length)}${count}]`;

/** The same line without whom it names: it is to stand for others, too, and must not speak against one of them. */
export function nobodysLine(line: string): string {
  const values = JSON.parse(line) as unknown[]; // written above
  for (const [i, name] of NAMES.entries()) if (Object.hasOwn(NOBODYS, name)) values[i] = NOBODYS[name] ?? null;
  return JSON.stringify(values);
}

/** What stands in the place of what names somebody. */
const NOBODYS: { readonly [Name in keyof RequestRecord]?: string | undefined } = {
  ...{ address: 'several', network: 'several', path: '', userAgent: undefined, model: undefined },
  ...{ keyId: undefined, issuer: undefined, subject: undefined, clientId: undefined, tokenHash: undefined },
  ...{ tenant: undefined, owner: undefined, member: undefined },
};

/** Reads what `recordLine` wrote. @throws Error where it is something else */
export function readRecordLine(text: string): RequestRecord {
  const values = JSON.parse(text) as unknown;
  if (!Array.isArray(values) || values.length !== NAMES.length) throw new Error('not a record of a request');
  const record: Record<string, unknown> = { kind: 'request' };
  for (const [i, name] of NAMES.entries()) record[name] = values[i] ?? undefined;
  return record as unknown as RequestRecord; // written above, by a worker of the same process
}

/** In the order of the values. */
const NAMES = [
  ...['timeMs', 'requestId', 'durationMs', 'firstByteMs', 'outcome', 'status', 'code', 'why'],
  ...['address', 'network', 'userAgent', 'keyId', 'issuer', 'subject', 'clientId', 'tokenHash'],
  ...['tenant', 'owner', 'member', 'method', 'route', 'path', 'model', 'upstream', 'isStream'],
  ...['promptTokens', 'cachedTokens', 'completionTokens', 'logprobs', 'likeness'],
  ...['upstreamMs', 'traceId', 'spanId', 'parentSpanId', 'isSampled', 'content', 'count'],
] as const satisfies readonly (keyof RequestRecord)[];

const BEGIN: Outcome = {
  kind: 'answer',
  status: 0,
  code: undefined,
  durationMs: 0,
  firstByteMs: undefined,
  upstream: undefined,
};

const own = (text: string | undefined): string => (text === undefined ? ',null' : `,"${text}"`);

const given = (text: string | undefined): string =>
  text === undefined ? ',null' : PLAIN.test(text) ? `,"${text}"` : `,${JSON.stringify(text)}`;

const traceOf = ({ traceId, spanId, parentSpanId, isSampled }: TraceContext): string =>
  `,"${traceId}","${spanId}"${own(parentSpanId)},${isSampled}`;

const PLAIN = /^[A-Za-z0-9._:/@+-]*$/;

const orNull = (value: number | undefined): number | 'null' => value ?? 'null';
const numberOf = (value: number | undefined): number | 'null' => (value === undefined ? 'null' : round(value));
const round = (ms: number): number => Math.round(ms * 100) / 100;

/** Name and version alone: what else callers write there could be anything. */
function productOf(userAgent: string | undefined): string | undefined {
  if (userAgent === undefined) return undefined;
  // A caller has few of them: they are not taken apart for each request.
  const known = products.get(userAgent);
  if (known !== undefined) return known;
  const product = PRODUCT.exec(userAgent)?.[0] ?? 'other';
  if (products.size >= MAX_PRODUCTS) products.clear();
  if (userAgent.length <= MAX_AGENT_CHARS) products.set(userAgent, withoutSecrets(product));
  return withoutSecrets(product);
}

const PRODUCT = /^[A-Za-z][A-Za-z0-9._-]{0,31}(?:\/[A-Za-z0-9._-]{1,24})*(?: [A-Za-z0-9._-]{1,24}\b)?/;
const products = new Map<string, string>();
const MAX_PRODUCTS = 512;
const MAX_AGENT_CHARS = 512;

/** Alternatives of each token that a body asks for, whichever way it is spelt. */
function logprobsOf({ request }: RecordedExchange): number | undefined {
  const body = request?.body;
  if (body === undefined) return undefined;
  let most: number | undefined;
  for (const name of LOGPROBS) {
    const value = body[name];
    if (typeof value === 'number') most = Math.max(most ?? 0, value);
  }
  return most;
}

const LOGPROBS = ['top_logprobs', 'logprobs', 'prompt_logprobs'] as const;
