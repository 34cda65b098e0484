/** What a CA says of a request that it did not grant (RFC 7807, RFC 8555 §6.7). Its texts were cut to printable ones. */
export class AcmeProblem extends Error {
  override readonly name = 'AcmeProblem';
  readonly code = 'acme_problem';
  /** The last part of `urn:ietf:params:acme:error:…`; `other` for what is not of that form. */
  readonly type: string;
  readonly detail: string;
  /** Seconds or a date in `Retry-After`, as milliseconds from now. */
  readonly retryAfterMs: number | undefined;

  constructor(type: string, detail: string, retryAfterMs: number | undefined) {
    super(`${type}: ${detail}`);
    this.type = type;
    this.detail = detail;
    this.retryAfterMs = retryAfterMs;
  }
}

/** No answer that could be read: no connection, no trust, too slow, too long, not what RFC 8555 says. */
export class AcmeUnreachable extends Error {
  override readonly name = 'AcmeUnreachable';
  readonly code = 'acme_unreachable';
}

const PREFIX = 'urn:ietf:params:acme:error:';
const MAX_DETAIL = 400;

/** Reads a problem document, believing nothing of it. */
export function problemFrom(document: unknown, retryAfterMs: number | undefined): AcmeProblem {
  const { type, detail, subproblems } = asRecord(document);
  const first = Array.isArray(subproblems) ? asRecord(subproblems[0]) : {};
  // With several names the CA says what is wrong with each in `subproblems`; the outer one is often only `malformed`.
  const isInner = typeof first['type'] === 'string';
  const name = nameOf(isInner ? first['type'] : type);
  return new AcmeProblem(name, printable((isInner ? first['detail'] : undefined) ?? detail), retryAfterMs);
}

function nameOf(type: unknown): string {
  const name = typeof type === 'string' && type.startsWith(PREFIX) ? type.slice(PREFIX.length) : '';
  return /^[A-Za-z]{1,40}$/.test(name) ? name : 'other';
}

/** A text of the CA as it may stand in a log line: printable ASCII, not long. */
export function printable(text: unknown): string {
  return typeof text === 'string' ? text.replace(/[^\x20-\x7e]+/g, ' ').slice(0, MAX_DETAIL) : 'no reason was given';
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
